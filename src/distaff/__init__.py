"""distaff trains, measures, compares, steers and shows disentangled generative models of images."""

import importlib
from importlib.metadata import version
from typing import Any

__version__ = version("distaff")
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """Imports a part of distaff when it is first asked for, since torch takes seconds."""
    if name == "load":
        return importlib.import_module("distaff.runs").load
    try:
        return importlib.import_module(f"distaff.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"distaff.{name}":
            raise
        raise AttributeError(f"distaff has no part named {name!r}") from None
