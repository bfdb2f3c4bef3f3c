"""A person's own images in an `.npz` file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from distaff.arrays import Array
from distaff.data.base import Dataset
from distaff.data.factor_dataset import FactorDataset
from distaff.data.pictures import tell_pictures
from distaff.data.reading.array_files import read_npz
from distaff.data.reading.factor_table import factor_table
from distaff.data.reading.tables import MOST_FACTORS
from distaff.data.reading.untrusted import absolute
from distaff.data.sources import StoredImages
from distaff.data.splits import Shares, splits_of
from distaff.errors import DataError, UsageError
from distaff.factors import Factor, factor_of

OWN_SPLITS = ("train", "validation", "test")
NAMES = ("images", "factors", "factor_names", *OWN_SPLITS)
CHUNK = 256
"""Images turned into bytes at a time."""


class Arrays(Dataset):
    """Your own images from an .npz file of arrays.

    `images` is [image, height, width], [image, height, width, channel] or [image, channel, height,
    width] with 1 or 3 channels: uint8, bool, or numbers in [0, 1], which are rounded to 256 levels.
    Beside it may stand `factors`, numbers, words or truth values [image, factor], or [image] of a
    single one; `factor_names`, a name for each; and `train`, `validation` and `test`, indices of
    images, all three. Other arrays are not looked at, and objects are never unpickled.

    Without splits of its own a set is split at random from a seed.

    Reference: NumPy enhancement proposal 1, "A simple file format for NumPy arrays".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Shares):
        """Settings of one's own arrays."""

        path: str = ""
        """The .npz file; kept as a path from the root, so that a run finds it from any folder."""

        def __post_init__(self) -> None:
            """Makes the path absolute."""
            super().__post_init__()
            object.__setattr__(self, "path", absolute(self.path))

    config: Config

    def load(self) -> FactorDataset:
        """Reads the images into memory."""
        path = Path(self.config.path)
        if not self.config.path:
            raise UsageError("arrays needs a file; give its path, --data.path on the command line.")
        if not path.is_file():
            raise DataError(
                f"no file {path}; give an .npz file with --data.path, or put it back there."
            )
        arrays = read_npz(path, NAMES)
        if "images" not in arrays:
            raise DataError(f"{path} holds no array named images; save one with np.savez.")
        images = _channels_first(arrays["images"], path)
        factors = _factors(arrays, len(images), path)
        own = {name: arrays[name] for name in OWN_SPLITS if name in arrays}
        if own and len(own) < len(OWN_SPLITS):
            raise DataError(
                f"{path} holds the indices {', '.join(own)}; give {', '.join(OWN_SPLITS)}, or none."
            )
        splits = splits_of(own, path, len(images)) if own else self.config.splits(len(images))
        levels = _bytes(images, path)
        tell_pictures(levels, str(path))
        return FactorDataset(
            source=StoredImages(torch.from_numpy(levels)),
            image_shape=images.shape[1:],
            splits=splits,
            **factor_table(factors, len(images))._asdict(),
        )


def _channels_first(images: Array, path: Path) -> Array:
    """Returns [image, channel, height, width]: the channels are the axis that has 1 or 3."""
    if images.ndim == 3 and images.shape[2] in (1, 3):
        raise DataError(
            f"images in {path} have the shape {images.shape}, which can be one picture with its "
            f"channels last or {images.shape[0]} grey ones; give [image, height, width, channel]."
        )
    if images.ndim == 3:
        return images[:, None]
    channels = [axis for axis in (1, 3) if images.ndim == 4 and images.shape[axis] in (1, 3)]
    if len(channels) != 1:
        raise DataError(
            f"images in {path} have the shape {images.shape}, in which {len(channels)} axes can be "
            f"the channels; give [image, height, width], or 1 or 3 channels second or last."
        )
    return np.moveaxis(images, channels[0], 1)


def _bytes(images: Array, path: Path) -> UInt8[np.ndarray, "sample channel height width"]:
    if images.dtype == np.uint8:
        if images.max() <= 1:
            raise DataError(
                f"images in {path} are uint8 and none is above {images.max()} of 255; save black "
                f"and white images as bool."
            )
        return np.ascontiguousarray(images)
    if images.dtype != np.bool_ and images.dtype.kind != "f":
        raise DataError(
            f"images in {path} are {images.dtype}; give uint8, bool, or numbers from 0 to 1."
        )
    levels = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK]
        low, high = float(chunk.min()), float(chunk.max())
        if not (low >= 0 and high <= 1):  # so that NaN is refused too
            raise DataError(
                f"images in {path} have values from {low:.9g} to {high:.9g}; give finite ones from "
                f"0 to 1, or uint8."
            )
        levels[start : start + CHUNK] = np.rint(255 * chunk.astype(np.float32))
    if images.dtype != np.bool_ and levels.max() <= 1:
        raise DataError(
            f"images in {path} have values up to {float(images.max()):.3g}, which is black; they "
            f"may have been divided by 255 twice: give numbers from 0 to 1, or uint8."
        )
    return levels


def _factors(arrays: dict[str, Array], count: int, path: Path) -> dict[str, Factor]:
    """Returns the columns of `factors` by name; a single column may be a list."""
    if "factors" not in arrays:
        return {}
    factors = arrays["factors"]
    table = factors[:, None] if factors.ndim == 1 else factors
    if table.ndim != 2 or len(table) != count or table.shape[1] > MOST_FACTORS:
        raise DataError(
            f"factors in {path} are {factors.dtype} of shape {factors.shape}; give {count} rows as "
            f"there are images, and a column for each of at most {MOST_FACTORS} factors."
        )
    width = table.shape[1]
    names = arrays.get("factor_names", np.array([f"factor {place}" for place in range(width)]))
    words = [name for name in set(names.ravel().tolist()) if name]
    if names.dtype.kind != "U" or names.shape != (width,) or len(words) < width:
        raise DataError(
            f"factor_names in {path} are {names.dtype} of shape {names.shape}; give {width} "
            f"different words."
        )
    result = {}
    for name, column in zip(names.tolist(), table.T, strict=True):
        try:
            result[name] = factor_of(column)
        except ValueError as error:
            raise DataError(f"{name!r:.80} of the factors in {path}: {error}.") from None
    return result
