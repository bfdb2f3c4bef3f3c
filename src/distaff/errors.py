"""Errors a user can fix: one sentence with the value, the limit and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")
"""How PyTorch says it, which has an exception of its own for CUDA alone."""


def first_line(error: object) -> str:
    """Returns the first line of an error message, shortened."""
    return str(error).split("\n", 1)[0][:200].rstrip(".")


class DistaffError(Exception):
    """An error the user can fix; the command line prints it and exits with 1."""

    exit_code = 1


class UsageError(DistaffError):
    """A name, flag or value that distaff does not take; the command line exits with 2."""

    exit_code = 2


class DataError(DistaffError):
    """A data set that is missing, or whose files are not what they should be."""


class RunError(DistaffError):
    """A run folder that is missing, unfinished, damaged or not writable."""


class Interrupted(DistaffError):  # noqa: N818 - the word says what happened, and it is no fault
    """A training stopped by Ctrl-C or SIGTERM after its state was saved."""

    exit_code = 130


class NoMemoryError(DistaffError):
    """More memory was asked for than there is, on the CPU or on another device."""


@contextmanager
def memory_errors_as_sentence(remedy: str) -> Iterator[None]:
    """Re-raises what says that memory has run out, on any device, as one NoMemoryError.

    Args:
        remedy: what to do about it, for example "give a smaller batch".

    Raises:
        NoMemoryError: memory has run out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        said = str(error).lower()
        if not isinstance(error, MemoryError) and not any(words in said for words in NO_MEMORY):
            raise
        raise NoMemoryError(f"there is not enough memory; {remedy}.") from None


class RunWarning(UserWarning):
    """A problem in a run folder that was worked around."""
