"""The command line: each verb is one call of the library."""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import tyro

from distaff.cli.audit import audit
from distaff.cli.completion import completion
from distaff.cli.data import DATA_DESCRIPTION, DATA_VERBS, data
from distaff.cli.grade import grade
from distaff.cli.kept_help import with_help_kept
from distaff.cli.measure import compare, evaluate
from distaff.cli.metrics import METRICS_DESCRIPTION, METRICS_VERBS, metrics
from distaff.cli.parsing import choose
from distaff.cli.show import illustrate, list_, report, study
from distaff.cli.terminal import (
    open_closed_streams,
    say,
    show,
    signals_as_interrupts,
    unread_allowed,
)
from distaff.cli.train import demo, train, train_with_flags
from distaff.errors import DistaffError, RunWarning
from distaff.registry import look_up

TYRO = (tyro.conf.AvoidSubcommands, tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes)
DESCRIPTION = """Trains, measures, compares and shows disentangled generative models of images.

`distaff demo` is the place to start; `distaff COMMAND --help` explains each command."""

_plain_warning = warnings.showwarning
Verbs = dict[str, Callable[..., None]]
VERBS: Verbs = {
    "demo": demo,
    "train": train,
    "evaluate": evaluate,
    "illustrate": illustrate,
    "compare": compare,
    "report": report,
    "audit": audit,
    "study": study,
    "grade": grade,
    "metrics": metrics,
    "data": data,
    "list": list_,
    "completion": completion,
}
GROUPS: dict[str, Verbs] = {"data": DATA_VERBS, "metrics": METRICS_VERBS}
"""Verbs that another one follows."""
DESCRIPTIONS = {"data": DATA_DESCRIPTION, "metrics": METRICS_DESCRIPTION}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a verb; returns the exit code: 0, 1 for what went wrong, 2 for what was asked wrongly.

    `--debug` anywhere shows the traceback of an error.
    """
    open_closed_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [_home(word) for word in words if word != "--debug"]
    if words == ["--version"]:
        show(f"distaff {version('distaff')}")
        return 0
    with unread_allowed(), signals_as_interrupts(for_good=arguments is None):
        try:
            with warnings.catch_warnings(), _notes_shown():
                warnings.showwarning = _show_warning
                _dispatch(words)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read the output, as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (DistaffError, OSError, ValueError, RunWarning) as error:
            if debug:
                raise
            say(error)
            return error.exit_code if isinstance(error, DistaffError) else 1
        except KeyboardInterrupt:
            say("stopped.")
            return 130
        except Exception as error:
            # a library that is interrupted may fail over its own cleaning up
            if not _after_an_interrupt(error):
                raise
            say("stopped.")
            return 130
        return 0


def _after_an_interrupt(error: BaseException | None) -> bool:
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


@contextmanager
def _notes_shown() -> Iterator[None]:
    """Says what the library logs, such as what was understood of a table."""

    class Said(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(record.getMessage())

    logger, handler = logging.getLogger("distaff"), Said()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


def _home(word: str) -> str:
    """Returns a word with `~` at its beginning, or after its `=`, as the home folder.

    A shell does so only where the word begins with it, and no shell does it in a recipe's settings.
    """
    flag, equals, value = word.partition("=")
    if equals and value.startswith("~"):
        return f"{flag}={os.path.expanduser(value)}"  # noqa: PTH111 - a word, and no path yet
    return os.path.expanduser(word) if word.startswith("~") else word  # noqa: PTH111


def _show_warning(
    message: Warning | str, category: type[Warning], *others: Any, **named: Any
) -> None:
    """Prints a warning of distaff's own as a sentence, without its place in the code."""
    if issubclass(category, RunWarning):
        say(message)
    else:
        _plain_warning(message, category, *others, **named)


def _dispatch(words: list[str]) -> None:
    first = words[0] if words else ""
    if first in GROUPS:
        _choose(GROUPS[first], words[1:], f"distaff {first}", DESCRIPTIONS[first])
    elif first == "train" and len(words) > 1 and not words[1].startswith("-"):
        with_help_kept(words, lambda: train_with_flags(words[1], words[2:]))
    else:
        _choose(VERBS, words, "distaff", DESCRIPTION)


def _choose(verbs: Verbs, words: list[str], program: str, description: str) -> None:
    """Calls the verb that the words begin with."""
    if words and not words[0].startswith("-"):
        look_up(verbs, words[0], "command")
    chosen = choose(verbs, words or ["--help"], prog=program, description=description, config=TYRO)
    chosen()
