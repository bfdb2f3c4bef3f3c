"""NumPy's files, `.npy` and `.npz`, of which no header is believed before it was checked.

Reference: NumPy enhancement proposal 1, "A simple file format for NumPy arrays".
"""

import io
import math
import warnings
from collections.abc import Container
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from numpy.lib import format as npy

from distaff.arrays import Array
from distaff.data.reading.untrusted import (
    check_deflated,
    check_memory,
    reader_errors_as_data_errors,
)

KINDS = "biufU"
"""Truth values, whole numbers, numbers and text; of anything else there is no use, and some of it
runs code."""
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
LARGE = 2**28
"""Bytes of an array from which it must hold more than zeros: dSprites, black and white, is packed
to a hundredth."""
DENSEST = 500
LONGEST_HEADER = 16_384
"""Bytes; NumPy reads none above 10,000."""


def read_npy(path: Path) -> Array:
    """Returns the array of an `.npy` file.

    Raises:
        DataError: the file is damaged, holds objects or nothing, or does not fit into memory.
    """
    size = path.stat().st_size
    check_memory(size, str(path), "save fewer rows")
    with (
        reader_errors_as_data_errors(path, ".npy array"),
        warnings.catch_warnings(),
        path.open("rb") as stream,
    ):
        warnings.simplefilter("ignore")  # the reader's remarks on odd headers
        _check_header(stream.read(LONGEST_HEADER), size)
        stream.seek(0)
        return _checked_text(npy.read_array(stream, allow_pickle=False))


def read_npz(path: Path, wanted: Container[str] | None = None) -> dict[str, Array]:
    """Returns the arrays of an `.npz` file by name.

    Args:
        path: the file.
        wanted: names of the arrays to read; by default all.

    Raises:
        DataError: the file is damaged, holds objects or nothing, or does not fit into memory.
    """
    with (
        reader_errors_as_data_errors(path, ".npz file of arrays"),
        warnings.catch_warnings(),
        ZipFile(path) as archive,
    ):
        warnings.simplefilter("ignore")
        members = {
            member.filename.removesuffix(".npy"): member
            for member in archive.infolist()
            if wanted is None or member.filename.removesuffix(".npy") in wanted
        }
        for member in members.values():
            _check_member(member, path.stat().st_size)
        size = sum(member.file_size for member in members.values())
        check_memory(size, str(path), "save fewer rows")
        return {name: _read_member(archive, member) for name, member in members.items()}


def _read_member(archive: ZipFile, member: ZipInfo) -> Array:
    with archive.open(member) as stream:
        _check_header(stream.read(LONGEST_HEADER), member.file_size)
    with archive.open(member) as stream:
        return _checked_text(npy.read_array(stream, allow_pickle=False))


def _checked_text(array: Array) -> Array:
    """Returns the array; numbers that are no characters raise here instead of where it is used."""
    if array.dtype.kind == "U":
        "".join(array.ravel().tolist()).encode()
    return array


def _check_member(member: ZipInfo, packed: int) -> None:
    """Refuses a member that cannot have the size it says."""
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"{member.filename!r} is packed in a way that NumPy does not use")
    if member.compress_size > packed:
        raise ValueError(f"{member.filename!r} says it is packed into more than the {packed} bytes")
    check_deflated(member.file_size, member.compress_size)
    if member.file_size > LARGE and member.file_size > DENSEST * member.compress_size:
        raise ValueError(
            f"{member.filename!r} unpacks to {member.file_size / member.compress_size:,.0f} times "
            f"its size, as hardly anything but zeros does"
        )


def _check_header(begin: bytes, size: int) -> None:
    """Refuses an array that is not as large as its file, before any memory is taken for it."""
    head = io.BytesIO(begin)
    version = npy.read_magic(head)
    if version not in HEADERS:
        raise ValueError(f"it is of version {version}, which only arrays of objects need")
    shape, _, dtype = HEADERS[version](head)
    if dtype.kind not in KINDS:
        raise ValueError(f"it holds {dtype}; only numbers and text are read")
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=1) < 1 or claimed == 0:
        raise ValueError(f"its shape is {shape}, so that it is empty")
    if claimed != size - head.tell():
        raise ValueError(f"it says it holds {shape} {dtype} and holds {size - head.tell()} bytes")
