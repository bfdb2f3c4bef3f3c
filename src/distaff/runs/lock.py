"""One training at a time in the folder of a run, and always in the same folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from distaff.errors import RunError
from distaff.files import CAN_LOCK, lock, os_errors_as_run_errors

NAME = ".lock"
"""The file remains when the lock is released. The kernel knows which process holds it and releases
it when that process ends."""


class HeldFolder:
    """A folder that this process has locked."""

    def __init__(self, folder: Path) -> None:
        """Opens the folder.

        Raises:
            RunError: another process holds it, though the file of the lock was removed.
        """
        self._folder = folder
        # Windows opens no folders, and moves or removes none in which a file is open
        self._opened = os.open(folder, os.O_RDONLY) if CAN_LOCK else None
        if self._opened is None:
            return
        try:
            with suppress_unknown_locks():
                lock(self._opened)
        except BlockingIOError:
            self.close()
            raise _busy(folder) from None

    def check(self) -> None:
        """Refuses to go on where another folder, or none, lies in the place of the locked one.

        Raises:
            RunError: the folder was removed, moved or replaced.
        """
        if self._opened is None:
            return
        own = os.fstat(self._opened)
        try:
            there = self._folder.stat()
        except OSError:
            there = None
        if there is None:
            what = (
                "was moved while it was trained; move it back and continue it with --resume"
                if own.st_nlink
                else "was removed while it was trained; nothing of it is left, train the run again"
            )
            raise RunError(f"{self._folder} {what}.")
        if (own.st_dev, own.st_ino) != (there.st_dev, there.st_ino):
            raise RunError(
                f"{self._folder} was replaced by another folder while it was trained, which is "
                f"left as it is; train the run again with another --runs."
            )

    def close(self) -> None:
        """Releases the folder."""
        if self._opened is not None:
            os.close(self._opened)


@contextmanager
def suppress_unknown_locks() -> Iterator[None]:
    """Goes on where a file system, as some networks have, cannot lock a folder."""
    try:
        yield
    except BlockingIOError:
        raise
    except OSError:
        pass


@contextmanager
def locked(folder: Path, *, seconds: float = 0.0) -> Iterator[HeldFolder]:
    """Makes a folder and keeps other processes from writing to the run in it.

    Args:
        folder: of a run.
        seconds: to wait for another process to release it.

    Raises:
        RunError: another process holds it, or the folder cannot be written to.
    """
    file = FileLock(folder / NAME, timeout=seconds)
    with os_errors_as_run_errors(folder / NAME):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            file.acquire()
        except Timeout:
            raise _busy(folder) from None
    try:
        with os_errors_as_run_errors(folder):
            held = HeldFolder(folder)
        try:
            yield held
        finally:
            held.close()
    finally:
        with suppress(OSError):  # of a folder that was removed
            file.release()


def _busy(folder: Path) -> RunError:
    return RunError(
        f"the run at {folder} is being trained by another process; wait for its end, or stop it."
    )
