"""Errors a user can fix: one sentence with the value, the limit and what to do."""


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


class RunWarning(UserWarning):
    """A problem in a run folder that was worked around."""
