"""The official files of data sets: where they lie, where they come from, whether they are whole."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from distaff.data.reading.download import download
from distaff.errors import DataError

OnBytes = Callable[[str, int, int | None], None]
"""Called with the name of a file, its bytes so far, and the total where it is known."""


def data_folder() -> Path:
    """Returns `$DISTAFF_DATA`, or the platform's cache folder for distaff where it is not set.

    Raises:
        DataError: it is not set, and there is no home folder.
    """
    given = os.environ.get("DISTAFF_DATA")
    try:
        return Path(given) if given else platformdirs.user_cache_path("distaff")
    except RuntimeError:
        raise DataError("there is no home folder; set DISTAFF_DATA to a folder for data.") from None


@dataclass(frozen=True, kw_only=True)
class OfficialFile:
    """A file as its authors published it."""

    name: str
    """With the folder of its data set, `mnist/train-images-idx3-ubyte.gz`."""
    urls: tuple[str, ...]
    """Mirrors, tried in order."""
    digest: str
    """Checksum, hexadecimal."""
    algorithm: Literal["md5", "sha256"] = "md5"
    size: int | None = None
    """In bytes, where it is published."""
    alternative: bool = False
    """Whether it holds the same as another file and is fetched only when a setting asks for it."""

    @property
    def path(self) -> Path:
        """Its place in the data folder."""
        return data_folder() / self.name

    def verify(self, path: Path) -> str | None:
        """Returns what is wrong with the file at `path`, or None where it is the official one.

        Raises:
            DataError: it cannot be read.
        """
        try:
            with path.open("rb") as file:
                page = file.read(64).lstrip().lower().startswith((b"<!doctype html", b"<html"))
                file.seek(0)
                found = hashlib.file_digest(file, self.algorithm).hexdigest()
        except OSError as error:
            raise DataError(f"cannot read {path} ({error.strerror or error}).") from None
        if page:
            return "it is a web page"
        if found == self.digest:
            return None
        return f"its {self.algorithm.upper()} sum is {found}, the official one {self.digest}"


def ensure_downloaded(file: OfficialFile, *, on_bytes: OnBytes | None = None) -> Path:
    """Returns the path of an official file; downloads it where it is missing.

    Nothing is written where the file is there already, so that a data folder may be read-only.

    Args:
        file: which.
        on_bytes: called with the progress of a download.

    Raises:
        DataError: the file is not there and cannot be had, or is not the official one; nothing is
            downloaded where the environment variable DISTAFF_OFFLINE is set.
    """
    path = file.path
    if not path.is_file():
        if os.environ.get("DISTAFF_OFFLINE", "0") not in ("", "0"):
            raise DataError(
                f"there is no {path}, and DISTAFF_OFFLINE forbids a download; put the file of "
                f"{file.urls[0]} there, or set DISTAFF_DATA to a folder that holds {file.name}."
            )

        def advance(done: int, total: int | None) -> None:
            if on_bytes:
                on_bytes(file.name, done, total or file.size)

        download(file.urls, path, verify=file.verify, on_bytes=advance, size=file.size)
    elif fault := file.verify(path):
        raise DataError(
            f"{path} is not the official file ({fault}); remove it, and it is downloaded again."
        )
    return path
