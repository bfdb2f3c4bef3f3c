"""One training at a time in the folder of a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from distaff.errors import RunError
from distaff.files import os_errors_as_run_errors

NAME = ".lock"
"""The file remains when the lock is released. The kernel knows which process holds it and releases
it when that process ends."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes a folder and keeps other processes from training in it.

    Raises:
        RunError: another process is training in it, or the folder cannot be written to.
    """
    lock = FileLock(folder / NAME, timeout=0)
    with os_errors_as_run_errors(folder / NAME):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise RunError(
                f"the run at {folder} is being trained by another process; wait for its end, or "
                f"stop it."
            ) from None
    try:
        yield
    finally:
        lock.release()
