"""distaff trains, measures, compares, steers and shows disentangled generative models of images."""

import importlib
import pkgutil
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distaff.runs import load as load

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


def __dir__() -> list[str]:
    """Returns what there is, imported yet or not."""
    parts = [part.name for part in pkgutil.iter_modules(__path__) if part.name != "__main__"]
    return sorted([*__all__, *parts])
