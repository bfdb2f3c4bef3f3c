"""model.safetensors: parameters, and a checksum of them in the header."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from distaff.errors import RunError, first_line
from distaff.files import TRAIN_AGAIN, atomic_write

Outline = Mapping[str, tuple[tuple[int, ...], torch.dtype]]
"""Shape and type of each parameter."""


def packed(state: Mapping[str, Tensor]) -> bytes:
    """Returns the content of a file of parameters."""
    parameters = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    return safetensors.torch.save(parameters, {"sha256": _checksum(parameters)})


def write_parameters(path: Path, content: bytes) -> None:
    """Writes parameters, whole or not at all.

    Raises:
        RunError: as in `atomic_write`.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def read_parameters(path: Path, parameter_shapes: Outline) -> dict[str, Tensor]:
    """Returns the parameters of a file; nothing in it is ever run.

    Args:
        path: of the file.
        parameter_shapes: what must be there, no more and no less; compared before memory is
            taken.

    Raises:
        RunError: other parameters are there, or not those that were written.
    """
    # safetensors says of a file that may not be read that it is not there
    if path.exists() and not os.access(path, os.R_OK):
        raise RunError(f"cannot read {path} (Permission denied).")
    try:
        with safetensors.safe_open(path, "pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            if shapes != {name: shape for name, (shape, _) in parameter_shapes.items()}:
                raise _refused(path, _difference(shapes, parameter_shapes))
            found = {name: file.get_tensor(name) for name in shapes}
            # files from before there was a checksum have none
            checksum = (file.metadata() or {}).get("sha256", _checksum(found))
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise _refused(path, error) from None
    if {name: value.dtype for name, value in found.items()} != {
        n: d for n, (_, d) in parameter_shapes.items()
    }:
        raise _refused(path, "of another type")
    if checksum != _checksum(found):
        raise _refused(path, "the checksum differs")
    if not all(bool(value.isfinite().all()) for value in found.values()):
        raise _refused(path, "some are no finite numbers")
    return found


def _refused(path: Path, why: object) -> RunError:
    return RunError(
        f"{path} does not hold the parameters of this run's model ({first_line(why)}); delete "
        f"that file and {TRAIN_AGAIN}."
    )


def _difference(shapes: Mapping[str, tuple[int, ...]], parameter_shapes: Outline) -> str:
    wanted = {name: shape for name, (shape, _) in parameter_shapes.items()}
    name = sorted(n for n in shapes.keys() | wanted.keys() if shapes.get(n) != wanted.get(n))[0]
    return f"{name[:80]} is {shapes.get(name, 'not there')} and should be {wanted.get(name, 'not')}"


def _checksum(parameters: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, value in sorted(parameters.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
