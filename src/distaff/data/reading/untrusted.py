"""Files of unknown origin: found from any folder, read without trusting their content."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from distaff.errors import DataError, DistaffError, UsageError

DEFLATED = 1032
"""Most bytes that one byte of a gzip or zip file can stand for.

Source: Deutsch 1996, RFC 1951: two bits for a copy of 258 bytes.
"""
LONGEST_REASON = 160


@contextmanager
def reader_errors_as_data_errors(path: Path, kind: str) -> Iterator[None]:
    """Re-raises reader errors as one DataError.

    Args:
        path: the file.
        kind: what it should be.

    Raises:
        DataError: the block raised anything.
    """
    try:
        yield
    except DistaffError:
        raise
    # no list of exceptions is complete: damage can trip a parser anywhere
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        reason = lines[0].rstrip(".")
        if len(reason) > LONGEST_REASON:
            reason = reason[:LONGEST_REASON] + "…"
        raise DataError(f"{path} is not a readable {kind} ({reason}); replace it.") from None


def absolute(path: str) -> str:
    """Returns the path from the root, so that a run finds its images from any folder; '' stays."""
    # links stay links, so that they can be pointed to where the images have gone
    return os.path.abspath(os.path.expanduser(path)) if path else ""  # noqa: PTH100, PTH111


def moved(config: Any, path: Path) -> Any:
    """Returns the settings of a set whose files now lie somewhere else.

    Args:
        config: of a set with a `path`. A table of factors that lay in that folder moves along.
        path: the new place.

    Raises:
        UsageError: the set has no files of one's own.
    """
    if not hasattr(config, "path"):
        raise UsageError(
            f"{path} is no place for this set, which is not read from one; leave out --data.path."
        )
    old, table = Path(config.path), Path(getattr(config, "factors", ""))
    along = {"factors": str(path / table.relative_to(old))} if table.is_relative_to(old) else {}
    return replace(config, path=str(path), **along)


def check_memory(needed: int, what: str, remedy: str) -> None:
    """Refuses what does not fit into free memory.

    Args:
        needed: bytes.
        what: takes them.
        remedy: what to do about it.

    Raises:
        DataError: it does not fit.
    """
    free = psutil.virtual_memory().available
    if needed > free:
        raise DataError(
            f"{what} takes {needed / 2**30:,.1f} GiB of memory and {free / 2**30:,.1f} GiB are "
            f"free; {remedy}."
        )


def check_deflated(size: int, packed: int) -> None:
    """Refuses an unpacked size that is impossible for the packed one.

    Raises:
        ValueError: it is larger than they can be unpacked to.
    """
    if size > DEFLATED * packed:
        raise ValueError(f"it says it holds {size} bytes, and {packed} packed bytes cannot")
