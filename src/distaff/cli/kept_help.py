"""Keeps the help of a recipe: to make it takes the types of all settings, so PyTorch, and seconds.

The text is made again when distaff's code, Python, the width of the terminal or its colours have
changed. The help of an experiment.json is not kept, nor any help where other packages offer
settings of their own.
"""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from hashlib import sha256
from importlib.metadata import entry_points
from io import StringIO
from pathlib import Path

import platformdirs

from distaff.errors import DistaffError
from distaff.files import atomic_write, read_text

CODE = Path(__file__).parents[1]


def with_help_kept(words: Sequence[str], verb: Callable[[], None]) -> None:
    """Prints the help that is kept for these words, or calls what prints it and keeps that.

    Args:
        words: of the command line, with or without `--help`.
        verb: what the words ask for; asked for help, it prints it and exits.
    """
    of_a_file = any(word.endswith(".json") for word in words)
    if not {"-h", "--help"} & set(words) or of_a_file or _of_other_packages():
        verb()
        return
    # no home folder, nothing kept yet, or kept from older code
    with suppress(DistaffError, RuntimeError):
        print(_kept(words), end="")
        raise SystemExit(0)
    said = _AsTheTerminal()
    try:
        with redirect_stdout(said):
            verb()
    except SystemExit as stop:
        if not stop.code:
            _keep(words, said.getvalue())
        raise
    finally:
        print(said.getvalue(), end="")


class _AsTheTerminal(StringIO):
    """Collects what is printed in the characters and colours of the terminal."""

    encoding = sys.stdout.encoding if sys.stdout else "utf-8"

    def isatty(self) -> bool:
        return sys.__stdout__ is not None and sys.__stdout__.isatty()


def _of_other_packages() -> bool:
    return any(group.startswith("distaff.") for group in entry_points().groups)


def _kept(words: Sequence[str]) -> str:
    stamp, _, text = read_text(_place(words), again="").partition("\n")
    if stamp != _stamp():
        raise DistaffError("the help is older than the code.")
    return text


def _keep(words: Sequence[str], text: str) -> None:
    with suppress(DistaffError, RuntimeError), atomic_write(_place(words)) as temporary:
        temporary.write_text(f"{_stamp()}\n{text}")


def _place(words: Sequence[str]) -> Path:
    seen_as = (shutil.get_terminal_size().columns, _AsTheTerminal().isatty())
    colours = [os.environ.get(name) for name in ("TERM", "NO_COLOR", "FORCE_COLOR")]
    name = sha256(repr((list(words), seen_as, colours)).encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("distaff") / "help" / f"{name}.txt"


def _stamp() -> str:
    """What the help depends on beside the words."""
    files = sorted((str(path), path.stat().st_mtime_ns) for path in CODE.rglob("*.py"))
    return sha256(repr((sys.version, files)).encode()).hexdigest()
