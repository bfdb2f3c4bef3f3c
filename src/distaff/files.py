"""Files that are written whole or not at all, and JSON that is checked as it is read."""

import json
import math
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

from distaff.errors import RunError, first_line

try:
    import fcntl
except ImportError:  # Windows, which neither replaces nor removes a file that is open
    CAN_LOCK = False
else:
    CAN_LOCK = True

TRAIN_AGAIN = "train the run again"
"""How most damaged files of a run are made again."""
LARGEST = 2**63 - 1
"""Largest whole number that a tensor or a generator can hold."""
MOST_BYTES = 2**26
"""Of a JSON file that is read: many times what a run writes."""
TEMPORARY = re.compile(r"\.distaff-[0-9a-f]{16}-.+")
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
    with os_errors_as_run_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_temporaries(path.parent)
        with _held_temporary(path) as temporary:
            yield temporary
            _onto_the_disk(temporary)
            if before and path.exists():
                path.replace(before)
            temporary.replace(path)
            _onto_the_disk(path.parent)


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


NO_LINKS = getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def _held_temporary(path: Path) -> Iterator[Path]:
    """Makes a file, holds it for the block, and removes it if the block did not rename it."""
    temporary, opened = _new_temporary(path)
    try:
        yield temporary
    finally:
        if opened is not None:
            os.close(opened)
        temporary.unlink(missing_ok=True)


def _new_temporary(path: Path) -> tuple[Path, int | None]:
    while True:
        # a random name that nobody can have planted a link under, and that two writers never share
        temporary = path.with_name(f".distaff-{secrets.token_hex(8)}-{path.name}")
        opened = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | NO_LINKS, 0o666)
        if not CAN_LOCK:
            os.close(opened)
            return temporary, None
        try:
            lock(opened)
            if os.path.samestat(os.fstat(opened), temporary.stat()):
                return temporary, opened
        except (BlockingIOError, FileNotFoundError):
            pass  # another process took it for left over in the moment before it was locked
        except OSError:
            return temporary, opened  # a file system without locks
        os.close(opened)


def remove_temporaries(folder: Path) -> None:
    """Removes the temporary files that killed processes left in a folder."""
    for path in folder.iterdir():
        if TEMPORARY.fullmatch(path.name):
            with suppress(OSError):  # another process may remove it, or is writing to it
                _remove_unless_locked(path)


def _remove_unless_locked(path: Path) -> None:
    opened = os.open(path, os.O_RDWR | NO_LINKS)
    try:
        if CAN_LOCK:
            lock(opened)
        path.unlink()
    finally:
        os.close(opened)


def lock(opened: int) -> None:
    """Locks an open file or folder until it is closed, as the kernel closes those of the killed.

    Raises:
        OSError: another process holds it.
    """
    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file, whole or not at all.

    Raises:
        RunError: as in `atomic_write`.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(json_text(content) + "\n", "utf-8")


def json_text(content: Any, *, indent: int | None = 2) -> str:
    """Returns JSON; a number that is not finite, which JSON does not know, becomes null."""
    return json.dumps(_finite(content), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


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


def read_text(path: Path, *, again: str, most: int = MOST_BYTES) -> str:
    """Returns the content of a text file of at most `most` bytes; the rest as in `read_json`."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            raise damaged(path, "it is no regular file", again)
        if found.st_size > most:
            raise damaged(path, f"it has {found.st_size:,} bytes, above {most:,}", again)
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
