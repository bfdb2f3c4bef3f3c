"""The one folder in which data sets are looked for."""

import os
from pathlib import Path

import platformdirs

from distaff.errors import DataError


def data_folder() -> Path:
    """Returns `$DISTAFF_DATA`, or the platform's cache folder for distaff where it is not set."""
    return Path(os.environ.get("DISTAFF_DATA") or platformdirs.user_cache_dir("distaff"))


def data_file(dataset: str, name: str) -> Path:
    """Returns the path of one file of a data set.

    Raises:
        DataError: it is not there; the sentence names the path looked at.
    """
    path = data_folder() / dataset / name
    if not path.is_file():
        raise DataError(
            f"{dataset} needs {name}, and there is none at {path}; put the official files there, "
            f"or set DISTAFF_DATA to the folder that holds {dataset}/."
        )
    return path
