"""Words of the command line to the call of a verb; what is wrong with them in one sentence."""

import functools
import re
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

import tyro

from distaff.errors import UsageError

Verb = Callable[..., None]
BORDER = re.compile(r"[│╭╮╰╯─]+")
CHOICES = re.compile(r" Expected one of \(([^)]*)\)")
HELP = re.compile(r"distaff(?: [\w.-]+)* --help")


def choose(verbs: Mapping[str, Verb], words: list[str], **named: Any) -> Callable[[], None]:
    """Returns the call of the verb that the words begin with.

    Args:
        verbs: by name.
        words: of the command line.
        **named: for `tyro.extras.subcommand_cli_from_dict`.

    Raises:
        UsageError: what is wrong with the words, in the voice of every other error.
        SystemExit: help was asked for, and printed.
    """
    calls = {name: _deferred(verb) for name, verb in verbs.items()}
    return _call_of(lambda: tyro.extras.subcommand_cli_from_dict(calls, args=words, **named))


def parse(verb: Verb, words: list[str], **named: Any) -> Callable[[], None]:
    """Returns the call of a verb with these words; `named` is for `tyro.cli`, errors as above."""
    return _call_of(lambda: tyro.cli(_deferred(verb), args=words, **named))


def _deferred(verb: Verb) -> Callable[..., Callable[[], None]]:
    """Returns a function with the signature of a verb that returns its call, not yet made."""

    @functools.wraps(verb)
    def returned(*arguments: Any, **named: Any) -> Callable[[], None]:
        return functools.partial(verb, *arguments, **named)

    return returned


def _call_of(parse: Callable[[], Callable[[], None]]) -> Callable[[], None]:
    said = StringIO()
    try:
        with redirect_stderr(said):
            return parse()
    except SystemExit as stop:
        if not stop.code:
            raise
        raise UsageError(_sentence(said.getvalue())) from None


def _sentence(said: str) -> str:
    """Tyro's box in one line: what is wrong, the nearest known option, where the help is."""
    parts: list[list[str]] = [[]]
    for line in said.splitlines()[1:]:  # the first one is a heading
        text = BORDER.sub(" ", line).strip()
        if text:
            parts[-1].append(text)
        elif parts[-1]:
            parts.append([])
    what = " ".join(parts[0]).removeprefix("Error parsing ").removeprefix("experiment.")
    what = CHOICES.sub(lambda found: f" Choose of {_sorted(found[1])}", what).rstrip(".")
    near = [part[1].split(" ")[0] for part in parts if part[0:1] == ["Perhaps you meant:"]]
    hint = f"; did you mean {near[0]}?" if near else "."
    found = HELP.search(" ".join(" ".join(part) for part in parts[1:]))
    return what + hint + (f" See {found[0]}." if found else "")


def _sorted(choices: str) -> str:
    names = (name.strip(" '") for name in choices.split(","))
    return ", ".join(sorted(name for name in names if name != "None"))
