"""The official files of dSprites, read in a stream.

The images are 3 GB as bytes and 360 MiB as bits, so no more than a block of them is ever unpacked.
The pickled `metadata` is never read: it could run any program.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from jaxtyping import Int, UInt8
from numpy.lib import format as npy

from distaff.arrays import Array
from distaff.data.base import Comparison, OnImages
from distaff.data.factor_dataset import FactorDataset
from distaff.data.reading.official_files import OfficialFile
from distaff.data.sources import PackedImages, pack, packed_images
from distaff.errors import DataError, UsageError

SOURCE = "https://github.com/google-deepmind/dsprites-dataset/raw/master/"
STEM = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
NPZ = OfficialFile(
    name=f"dsprites/{STEM}.npz",
    urls=(f"{SOURCE}{STEM}.npz",),
    digest="7da33b31b13a06f4b04a70402ce90c2e",
)
HDF5 = OfficialFile(
    name=f"dsprites/{STEM}.hdf5",
    urls=(f"{SOURCE}{STEM}.hdf5",),
    digest="729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb",
    algorithm="sha256",
    size=28_024_106,
    alternative=True,
)
COUNT, SIDE, FACTORS = 737_280, 64, 6
ROWS = 512
"""Images in a block."""
CHUNK, LINES = 23_040, 2
"""Images of the HDF5 file that are unpacked at a time, since its chunks are (23040, 2, 4), and how
many of their lines."""
FIRST = 5
"""Differing images that are named."""

DAMAGED = (BadZipFile, zlib.error, struct.error, TokenError)
"""What reading a damaged archive raises, beside the usual."""

Block = tuple[UInt8[Array, "some byte"], Int[Array, "some factor"]]


def blocks_of(path: Path, count: int = COUNT) -> Iterator[Block]:
    """Gives the images of an official file as bits, and the indices of their factors, in blocks.

    Args:
        path: an `.npz` or `.hdf5` file in the official layout.
        count: images that it must have.

    Raises:
        DataError: the file is damaged, or holds something else.
        UsageError: it is an `.hdf5` file, and h5py is not installed.
    """
    try:
        yield from (_hdf5 if path.suffix == ".hdf5" else _npz)(path, count)
    except (OSError, ValueError, LookupError, RuntimeError, EOFError, *DAMAGED) as error:
        raise DataError(f"{path} is not a whole file of dSprites ({error}); replace it.") from None


def _npz(path: Path, count: int) -> Iterator[Block]:
    with (
        ZipFile(path) as archive,
        archive.open("imgs.npy") as images,
        archive.open("latents_classes.npy") as classes,
    ):
        _check_header(images, (count, SIDE, SIDE), np.uint8)
        _check_header(classes, (count, FACTORS), np.int64)
        for start in range(0, count, ROWS):
            rows = min(ROWS, count - start)
            pixels = np.frombuffer(_read(images, rows * SIDE * SIDE), np.uint8)
            indices = np.frombuffer(_read(classes, rows * FACTORS * 8), np.int64)
            yield pack(pixels.reshape(rows, SIDE * SIDE)), indices.reshape(rows, FACTORS)
        for member in (images, classes):
            if member.read(1):  # reading to the end also checks the sum of the member
                raise ValueError(f"{member.name} holds more than it says")


def _check_header(member: Any, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    """Refuses an array that is not as expected before any of it is read."""
    if npy.read_magic(member) != (1, 0):
        raise ValueError(f"{member.name} is of another version")
    found = npy.read_array_header_1_0(member)
    if found != (shape, False, np.dtype(dtype)):
        raise ValueError(f"{member.name} holds {found[2]} of shape {found[0]}, not {shape}")


def _read(member: Any, size: int) -> bytes:
    content: bytes = member.read(size)
    if len(content) < size:
        raise ValueError(f"{member.name} ends too early")
    return content


def _hdf5(path: Path, count: int) -> Iterator[Block]:
    try:
        import h5py
    except ModuleNotFoundError:
        raise UsageError(
            f"{path} needs h5py: install distaff[hdf5], or take the file .npz."
        ) from None

    with h5py.File(path) as file:
        images = _dataset(file, "imgs", (count, SIDE, SIDE), np.uint8)
        classes = _dataset(file, "latents/classes", (count, FACTORS), np.int64)
        for start in range(0, count, CHUNK):
            rows = slice(start, min(start + CHUNK, count))
            bits = np.empty((rows.stop - start, SIDE, SIDE // 8), np.uint8)
            for line in range(0, SIDE, LINES):
                bits[:, line : line + LINES] = pack(images[rows, line : line + LINES])
            parts = range(ROWS, len(bits), ROWS)
            blocks = (
                np.split(array, parts) for array in (bits.reshape(len(bits), -1), classes[rows])
            )
            yield from zip(*blocks, strict=True)


def _dataset(file: Any, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> Any:
    found = file[name]
    if getattr(found, "shape", None) != shape or found.dtype != dtype:
        raise ValueError(f"{name} is {found}, not of shape {shape}")
    return found


def images_in(path: Path, count: int = COUNT) -> PackedImages:
    """Returns the images of an official file, held as bits.

    Raises:
        DataError, UsageError: as `blocks_of`.
    """
    blocks = (bits for bits, _ in blocks_of(path, count))
    return packed_images(blocks, count, (1, SIDE, SIDE))


def compare(path: Path, drawn: FactorDataset, on_images: OnImages) -> Comparison:
    """Returns how many images and factors of an official file differ from a drawing of the set.

    Args:
        path: of the file.
        drawn: the same images in the same order.
        on_images: called with the number compared so far and the total.

    Raises:
        DataError, UsageError: as `blocks_of`.
    """
    done, pixels, factors, rows = 0, 0, 0, []
    for bits, classes in blocks_of(path, len(drawn)):
        here = torch.arange(done, done + len(bits))
        pictures = drawn.images_at(here).to(torch.uint8).flatten(1).numpy()
        changed = np.unpackbits(np.bitwise_xor(bits, pack(pictures)), axis=1).sum(1, dtype=int)
        pixels += changed.sum()
        factors += (drawn.factors[here].numpy() != classes).any(1).sum()
        rows += (done + np.flatnonzero(changed)).tolist()
        done += len(bits)
        on_images(done, len(drawn))
    return Comparison(len(drawn), len(rows), int(pixels), int(factors), tuple(rows[:FIRST]))
