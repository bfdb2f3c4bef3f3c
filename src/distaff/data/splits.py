"""Which rows of a data set are for training, for validation and for the test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distaff.arrays import Array
from distaff.data.config import DatasetConfig
from distaff.data.reading.array_files import read_npz
from distaff.errors import DataError, UsageError

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What people call the splits, in small letters."""


@dataclass(frozen=True, kw_only=True)
class Shares(DatasetConfig):
    """How the images of a set that has no splits of its own are split."""

    validation_share: float = 0.1
    """Share of the images held out to look at while training; at least one image."""
    test_share: float = 0.1
    """Share of the images held out for the test; at least one image."""
    split_seed: int = 0
    """Decides which images."""

    def __post_init__(self) -> None:
        """Refuses shares that leave nothing to learn from."""
        shares = (self.validation_share, self.test_share)
        if not (min(shares) > 0 and sum(shares) < 1):
            raise ValueError(
                f"validation_share is {shares[0]} and test_share is {shares[1]}; each must be "
                f"above 0 and both together below 1"
            )
        if self.split_seed < 0:
            raise ValueError(f"split_seed is {self.split_seed}; it must be at least 0")

    def splits(self, count: int) -> dict[str, Tensor]:
        """Returns random rows for train, validation and test, the same for a seed.

        Raises:
            DataError: too few images for one in each split.
        """
        held_out = {
            "validation": max(1, round(self.validation_share * count)),
            "test": max(1, round(self.test_share * count)),
        }
        train = count - sum(held_out.values())
        if train < 1:
            raise DataError(
                f"the set has {count} images, and {held_out['validation']} for validation and "
                f"{held_out['test']} for the test leave none to train on; give at least 3 images, "
                f"and smaller shares."
            )
        return random_splits(count, {"train": train, **held_out}, seed=self.split_seed)

    def splits_of_parts(self, parts: Sequence[str]) -> dict[str, Tensor]:
        """Returns the rows of each split, from the split of each image.

        Where none is for validation, `validation_share` of the training images is, at random.
        """
        names = np.array(parts)
        rows = {name: np.flatnonzero(names == name) for name in ("train", "validation", "test")}
        if not len(rows["validation"]):
            order = np.random.default_rng(self.split_seed).permutation(rows["train"])
            held_out = max(1, round(self.validation_share * len(order)))
            rows |= {"train": np.sort(order[held_out:]), "validation": np.sort(order[:held_out])}
        if not len(rows["train"]):
            raise DataError("no image is left to train on; give more of them.")
        return {name: torch.from_numpy(index) for name, index in rows.items()}


def random_splits(count: int, sizes: Mapping[str, int], *, seed: int) -> dict[str, Tensor]:
    """Returns disjoint random rows of `count` for each named split, the same for a seed."""
    wanted = sum(sizes.values())
    if wanted > count or min(sizes.values(), default=0) < 0:
        raise UsageError(f"a split into {dict(sizes)} needs {wanted} images; the set has {count}.")
    order = torch.from_numpy(np.random.default_rng(seed).permutation(count))
    return dict(zip(sizes, order[:wanted].split(list(sizes.values())), strict=True))


def splits_from_file(path: Path, count: int) -> dict[str, Tensor]:
    """Returns the index arrays of an `.npz` file as splits; pairs are laid out in a row."""
    if not path.is_file():
        raise DataError(f"no index file at {path}; give an .npz whose arrays are image indices.")
    return splits_of(read_npz(path), path, count)


def splits_of(arrays: Mapping[str, Array], path: Path, count: int) -> dict[str, Tensor]:
    """Returns index arrays from a file as splits.

    Raises:
        DataError: there is none, or one has something else than rows of a set of `count` images.
    """
    if not arrays:
        raise DataError(f"{path} holds no array; give an .npz whose arrays are image indices.")
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.integer):
            raise DataError(
                f"{name!r} in {path} holds {array.dtype}, not a list of image indices; give whole "
                f"numbers."
            )
        if array.min() < 0 or array.max() >= count:
            outside = array.min() if array.min() < 0 else array.max()
            raise DataError(
                f"{name!r} in {path} has the index {outside}; the set has 0 to {count - 1}."
            )
    for name in ("validation", "test"):
        shared = np.intersect1d(arrays.get("train", []), arrays.get(name, []))
        if len(shared):
            raise DataError(
                f"'train' and {name!r} in {path} share {len(shared):,} images, for example "
                f"{int(shared[0])}; give each to one of them."
            )
    return {name: torch.from_numpy(a.astype(np.int64).ravel()) for name, a in arrays.items()}
