"""The state of a training in progress, on disk: the last two, each with its checksum.

A checkpoint is a line with the SHA-256 of what follows, and then what `torch.save` wrote. A file
that was cut short or changed is known by that line, before anything of it is unpacked.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from distaff.errors import RunError, first_line
from distaff.files import LARGEST, atomic_write

NEWEST, BEFORE = "resume.pt", "resume.previous.pt"
FORMAT = 1
MAGIC = re.compile(rb"distaff checkpoint (\d{1,9}) ")
"""With which the first line begins; the number is that of the format."""

State = dict[str, Any]


class Checkpoint(NamedTuple):
    """The newest checkpoint that is whole."""

    state: State
    file: Path
    damaged: list[Path]
    """Newer ones that are not whole."""


def present(folder: Path) -> list[Path]:
    """Returns the checkpoints in a folder, the newest first."""
    return [folder / name for name in (NEWEST, BEFORE) if (folder / name).is_file()]


def save(folder: Path, state: State) -> None:
    """Writes a state beside the one before it; older ones are removed.

    Raises:
        RunError: a number of the state is not finite, or the disk is full; what was kept stays.
    """
    refuse_nonfinite(folder, state)
    packed = io.BytesIO()
    torch.save(state, packed)
    with (
        atomic_write(folder / NEWEST, before=folder / BEFORE) as temporary,
        temporary.open("wb") as file,
    ):
        file.write(_first_line(packed.getbuffer()))
        file.write(packed.getbuffer())


def load(folder: Path, device: torch.device, most: int = LARGEST) -> Checkpoint:
    """Returns the newest checkpoint that is whole; nothing in it is ever run.

    Args:
        folder: that has checkpoints.
        device: where the tensors go.
        most: bytes that one of this training can have, packed or not.

    Raises:
        RunError: none of them is whole, or one is of a newer format.
    """
    found = present(folder)
    for place, path in enumerate(found):
        content = _content(path, most)
        if content is not None:
            with restore_errors_as_run_errors(path):
                _check_stored(content, most)
                state = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
                if not isinstance(state, dict):
                    raise ValueError(f"it holds a {type(state).__name__}")
                return Checkpoint(state, path, found[:place])
    raise RunError(
        f"{' and '.join(map(str, found))} {'are' if len(found) > 1 else 'is'} damaged; remove "
        f"{folder} to start again."
    )


@contextmanager
def restore_errors_as_run_errors(path: Path) -> Iterator[None]:
    """Turns restore errors into one RunError.

    Raises:
        RunError: it was made by something else, or for something else.
    """
    try:
        yield
    except RunError:
        raise
    # no list of exceptions is complete: what another program wrote can trip any reader
    except Exception as e:
        raise RunError(
            f"{path} is not a checkpoint of this run ({first_line(e)}); remove "
            f"{path.parent} to start again."
        ) from None


def discard(folder: Path) -> None:
    """Removes the checkpoints of a finished run."""
    for path in present(folder):
        with suppress(OSError):  # that a folder cannot be tidied is no reason to stop
            path.unlink()


def refuse_nonfinite(folder: Path, state: State) -> None:
    """Refuses a state with numbers that are not finite.

    Raises:
        RunError: a number of it is not finite.
    """
    if not is_finite(state):
        raise RunError(
            f"parameters or optimiser state of the run at {folder} are no longer finite numbers, "
            f"and are not saved; try a lower --training.learning-rate."
        )


def is_finite(state: State) -> bool:
    """Returns whether every number of every tensor in a state is finite."""
    floats = [tensor for tensor in _tensors(state) if tensor.is_floating_point()]
    return all(bool(tensor.isfinite().all()) for tensor in floats)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    for inner in value.values() if isinstance(value, dict) else ():
        yield from _tensors(inner)


def _content(path: Path, most: int) -> bytes | None:
    """The content after the first line, if its checksum is the one in that line.

    Raises:
        RunError: it is of a newer format.
    """
    with suppress(OSError):
        if path.stat().st_size > most:
            return None
        with path.open("rb") as file:
            line = file.read(len(_first_line(b"")))
            known = MAGIC.match(line)
            if known and int(known[1]) > FORMAT:
                raise RunError(
                    f"{path} was made by a newer distaff, in format {int(known[1])}; this one "
                    f"reads format {FORMAT}: upgrade it with pip install --upgrade distaff."
                )
            content = file.read()
            return content if line == _first_line(content) else None
    return None


def _check_stored(content: bytes, most: int) -> None:
    """Refuses an archive that unpacks to more than it has, which `torch.save` never writes.

    Raises:
        ValueError: it is packed, or no archive.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    if packed or sum(member.file_size for member in members) > most:
        raise ValueError("it is a packed archive")


def _first_line(content: bytes | memoryview) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    return f"distaff checkpoint {FORMAT} {digest}\n".encode()
