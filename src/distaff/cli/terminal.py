"""The gate to the terminal: what the verbs print goes through here, as text and nothing else."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from typing import Any, TextIO, cast

from rich.console import Console
from rich.progress import TextColumn
from rich.status import Status
from rich.table import Column
from rich.text import Text
from typing_extensions import override

from distaff.text import printable

LONGEST = 1_200
"""Characters of a sentence; an error may quote a name of any length."""
WIDEST = 10_000
"""Columns where there is no terminal: whoever reads a file or a pipe wants the whole table."""


class Terminal(Console):
    """A console that takes every string for text: no markup, no emoji, no control characters."""

    def __init__(self, *, stderr: bool = False) -> None:
        stream = sys.stderr if stderr else sys.stdout
        shown = (stream and stream.isatty()) or "COLUMNS" in os.environ
        width = None if shown else WIDEST
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)

    @override
    def render_str(self, text: str, **named: Any) -> Text:
        return super().render_str(printable(text, keep="\n"), **named)

    def busy(self, what: str) -> Status:
        """Returns a spinner that says what is done, for the duration of a block."""
        return self.status(Text(printable(what)))

    @override
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


STDERR = Terminal(stderr=True)


def open_closed_streams() -> None:
    """Lets what is printed vanish where the process was started with its streams closed."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - until the process ends


def plain_column(field: str, column: Column | None = None) -> TextColumn:
    """Returns the column of a bar that shows a field of its task as it is."""
    return TextColumn(f"{{task.{field}}}", markup=False, table_column=column)


def say(sentence: object) -> None:
    """Prints an error or a warning as one line on stderr."""
    text = printable(sentence)
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    print(f"distaff: {shown}", file=sys.stderr)


def show(line: object) -> None:
    """Prints a line of a verb's result on stdout."""
    print(printable(line))


class _Unread:
    """A stream that may lose its reader: what is written after that is lost without an error."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


@contextmanager
def unread_allowed() -> Iterator[None]:
    """Lets the block go on when nobody reads its messages any more.

    That is so when the program at the other end of a pipe has ended, as `head` does, or when the
    terminal was closed.
    """
    with redirect_stderr(cast("TextIO", _Unread(sys.stderr))):
        yield


class _Stop:
    """A handler that ends what is done, once: who terminates a process often does so repeatedly."""

    def __init__(self) -> None:
        self.ended = False

    def __call__(self, *_: object) -> None:
        if not self.ended:
            self.ended = True
            raise KeyboardInterrupt


@contextmanager
def signals_as_interrupts(*, for_good: bool) -> Iterator[None]:
    """Turns SIGTERM into one KeyboardInterrupt, so that the block cleans up; ignores SIGHUP.

    Args:
        for_good: whether that holds after the block, to the end of the process.
    """
    handlers: dict[int, Any] = {signal.SIGTERM: _Stop()}
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = signal.SIG_IGN
    before = {}
    with suppress(ValueError):  # in another thread nobody may choose
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        # Python gives its own handlers up before it has ended, but not those that ignore
        after = dict.fromkeys(before, signal.SIG_IGN) if for_good else before
        for number, handler in after.items():
            signal.signal(number, handler)
