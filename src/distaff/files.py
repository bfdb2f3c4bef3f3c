"""Files that are written whole or not at all, and JSON that is checked as it is read."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

from distaff.errors import RunError, first_line

TRAIN_AGAIN = "train the run again"
"""How most damaged files of a run are made again."""
LARGEST = 2**63 - 1
"""Largest whole number that a tensor or a generator can hold."""
TEMPORARY = re.compile(r"\..+\.\d+\.\w+")
"""Names of the files that `atomic_write` gives."""


@contextmanager
def atomic_write(path: Path, *, before: Path | None = None) -> Iterator[Path]:
    """Yields a temporary path to write to, which replaces `path` on success.

    Readers of `path` find the old content or the new one, never a part of it, even after the
    process was killed or the power failed.

    Args:
        path: what to write.
        before: where the old content is kept, for as long as it takes to be replaced in turn.

    Raises:
        RunError: the disk is full, or the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    with os_errors_as_run_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _onto_the_disk(temporary)
            if before and path.exists():
                path.replace(before)
            temporary.replace(path)
            _onto_the_disk(path.parent)
        finally:
            if temporary.exists():
                temporary.unlink()


@contextmanager
def os_errors_as_run_errors(path: Path) -> Iterator[None]:
    """Re-raises OSError as RunError.

    Raises:
        RunError: the disk is full, or the folder cannot be written to.
    """
    try:
        yield
    except OSError as error:
        raise RunError(
            f"cannot write {path} ({error.strerror or error}); free some space or choose another "
            f"folder."
        ) from None


def remove_temporaries(folder: Path) -> None:
    """Removes the temporary files of killed processes.

    Raises:
        RunError: the folder cannot be written to.
    """
    with os_errors_as_run_errors(folder):
        for path in folder.iterdir():
            if TEMPORARY.fullmatch(path.name):
                path.unlink()


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file, whole or not at all.

    Raises:
        RunError: as in `atomic_write`.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def read_json(path: Path, kind: Any, *, again: str) -> Any:
    """Returns the content of a JSON file.

    Args:
        path: of the file.
        kind: type that the content must have, for example `dict[str, float]`; every value is
            checked.
        again: how a damaged file is made again, for example "train the run again".

    Raises:
        RunError: the file is missing, damaged or of another kind.
    """
    text = read_text(path, again=again)
    try:
        return validated(parse_json(text), kind)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error, again) from None


def read_text(path: Path, *, again: str) -> str:
    """Returns the content of a text file; arguments and errors as in `read_json`."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise RunError(f"no {path.name} in {path.parent}; is it the folder of a run?") from None
    except OSError as error:
        raise RunError(f"cannot read {path} ({error.strerror or error}).") from None
    except UnicodeDecodeError as error:
        raise damaged(path, error, again) from None


def parse_json(text: str) -> Any:
    """Returns the value of a JSON text, of which every number fits into a tensor.

    Raises:
        ValueError: it is no JSON, or has a number or a character that nothing can hold.
        RecursionError: its lists are nested too deep.
    """
    value = json.loads(text, parse_int=_whole_number)
    if "\\ud" in text.lower():  # as JSON writes the halves of characters, which mean nothing alone
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _whole_number(digits: str) -> int:
    number = int(digits)
    if abs(number) > LARGEST:
        raise ValueError(f"{digits:.40} is beyond {LARGEST}")
    return number


def validated(value: Any, kind: Any) -> Any:
    """Returns a value after checking its type, nested values included.

    Raises:
        ValueError: it is of another.
    """
    try:
        return check_type(value, kind, collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS)
    except TypeCheckError as error:
        raise ValueError(first_line(error)) from None


def damaged(path: Path, why: object, again: str) -> RunError:
    """Returns the error of a file that is not what it should be; arguments as in `read_json`."""
    return RunError(f"{path} is damaged ({first_line(why)}); delete that file and {again}.")


def _onto_the_disk(path: Path) -> None:
    """Flushes a file, or a folder's entries, to disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    opened = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
