"""Image sets in the IDX format of MNIST."""

import gzip
import math
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from distaff.arrays import Array
from distaff.data.base import Dataset
from distaff.data.factor_dataset import FactorDataset
from distaff.data.reading.official_files import OfficialFile
from distaff.data.reading.untrusted import (
    check_deflated,
    check_memory,
    reader_errors_as_data_errors,
)
from distaff.data.sources import StoredImages
from distaff.errors import DataError

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def idx_files(
    folder: str, mirrors: tuple[str, ...], md5: tuple[str, ...], sizes: tuple[int, ...]
) -> tuple[OfficialFile, ...]:
    """Returns the four files of a set, from what is known of each in the order of `FILES`.

    Args:
        folder: of the set, in the data folder.
        mirrors: addresses of folders that hold all four.
        md5: their MD5 sums.
        sizes: in bytes.
    """
    return tuple(
        OfficialFile(
            name=f"{folder}/{name}",
            urls=tuple(mirror + name for mirror in mirrors),
            digest=digest,
            size=size,
        )
        for name, digest, size in zip(FILES, md5, sizes, strict=True)
    )


class IdxDataset(Dataset):
    """70,000 grey images, 28 x 28, with ten classes, in four official files.

    Splits: the first 50,000 training images are `train`, the last 10,000 `validation`, the test
    images `test`.
    """

    factor_name: ClassVar[str]

    def load(self) -> FactorDataset:
        """Reads the four files, downloaded if need be, and puts training before test images."""
        paths = self.fetch()
        images = np.concatenate([read_idx(paths[0]), read_idx(paths[2])])
        labels = torch.from_numpy(np.concatenate([read_idx(paths[1]), read_idx(paths[3])]))
        return FactorDataset(
            source=StoredImages(torch.from_numpy(images)[:, None]),
            factors=labels[:, None].to(torch.int16),
            values=labels[:, None].to(torch.float64),
            factor_names=(self.factor_name,),
            factor_sizes=(10,),
            image_shape=(1, 28, 28),
            splits={
                "train": torch.arange(50_000),
                "validation": torch.arange(50_000, 60_000),
                "test": torch.arange(60_000, 70_000),
            },
        )


def read_idx(path: Path) -> Array:
    """Reads a gzipped IDX file of bytes.

    The format: two zero bytes, the type (8 is unsigned byte), the number of dimensions, each
    dimension as a big-endian 32-bit number, then the values.

    Raises:
        DataError: the file is not of this format, or shorter or longer than it says, or does not
            fit into memory.
    """
    with reader_errors_as_data_errors(path, "gzip file"), gzip.open(path) as stream:
        head = stream.read(4)
        head += stream.read(4 * head[3]) if len(head) == 4 else b""
        if len(head) < 4 or head[:3] != b"\0\0\x08" or len(head) < 4 + 4 * head[3]:
            raise DataError(f"{path} is not an IDX file of bytes; replace it by the official one.")
        shape = np.frombuffer(head, ">u4", offset=4).tolist()
        check_deflated(math.prod(shape), path.stat().st_size)
        check_memory(math.prod(shape), str(path), "replace it by the official one")
        # one byte more than there should be, so that no more than that is unpacked
        content = stream.read(math.prod(shape) + 1)
        if len(content) != math.prod(shape):
            there = f"{len(content)} or more" if len(content) > math.prod(shape) else len(content)
            raise DataError(f"{path} says it holds {shape} bytes and holds {there}; replace it.")
        return np.frombuffer(content, np.uint8).reshape(shape)
