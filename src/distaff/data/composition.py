"""What is held out of a set to see whether a model makes new images of known parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from distaff.data.config import DatasetConfig
from distaff.data.factor_dataset import FactorDataset
from distaff.errors import UsageError

Split: TypeAlias = Literal["nothing", "random", "composition", "interpolation", "extrapolation"]
SPLITS = ("nothing", "random", "composition", "interpolation", "extrapolation")
RANDOM_SHARE = 0.25
"""As much of the set as a composition of two factors holds out."""
SPLIT_SEED = 2022
BROKEN_UP = ("test_reconstruct", "test_interpolate")
"""Splits whose rows belong together, which have no meaning once some are gone."""


@dataclass(frozen=True, kw_only=True)
class Composition(DatasetConfig):
    """What no training image of a grid shows."""

    split: Split = field(default="nothing", metadata={"hashed": "if changed"})
    """What the split `held_out` has, and no other split: nothing; a random quarter of the images;
    the composition of the upper halves of the values of some factors, each of which is seen with
    others; every second value of a factor, for interpolation; or the upper half of its values, for
    extrapolation."""
    split_factors: tuple[str, ...] = field(default=(), metadata={"hashed": "if changed"})
    """Which factors, by name: two or more for a composition, one or more for interpolation or
    extrapolation, where a value of any of them is enough; by default posX and posY, or posX."""

    def __post_init__(self) -> None:
        """Refuses an unknown split."""
        if self.split not in SPLITS:
            raise ValueError(f"split is {self.split!r}; choose of {', '.join(SPLITS)}")
        if self.split_factors and self.split in ("nothing", "random"):
            raise ValueError(
                f"split_factors are {', '.join(self.split_factors)}, and the split {self.split} "
                f"has none; leave them out, or choose composition, interpolation or extrapolation"
            )
        if self.split == "composition" and len(self.split_factors) == 1:
            raise ValueError(
                f"a composition of {self.split_factors[0]} alone is an extrapolation; give two"
            )

    def hold_out(self, dataset: FactorDataset) -> FactorDataset:
        """Returns the set with the split `held_out`, whose images no other split has.

        Splits whose rows belong together are left out.

        Raises:
            UsageError: a factor that the set does not have, or that has too few values, or nothing
                left to train on.
        """
        if self.split == "nothing":
            return dataset
        return replace(dataset, splits=without(dataset.splits, self._held_out(dataset)))

    def _held_out(self, dataset: FactorDataset) -> Bool[Tensor, " sample"]:
        if self.split == "random":
            generator = torch.Generator().manual_seed(SPLIT_SEED)
            return torch.rand(len(dataset), generator=generator) < RANDOM_SHARE
        names = self.split_factors or ("posX", "posY")[: 2 if self.split == "composition" else 1]
        sides = [
            _upper(column, size) if self.split != "interpolation" else _second(column, size)
            for column, size in _columns(dataset, names)
        ]
        together = torch.stack(sides)
        return together.all(dim=0) if self.split == "composition" else together.any(dim=0)


def without(
    splits: Mapping[str, Int[Tensor, " _"]], held_out: Bool[Tensor, " sample"]
) -> dict[str, Tensor]:
    """Returns the splits less the rows that are held out, and these as the split `held_out`.

    Raises:
        UsageError: a split would be empty.
    """
    kept = {name: rows[~held_out[rows]] for name, rows in splits.items() if name not in BROKEN_UP}
    empty = [name for name, rows in kept.items() if not len(rows)]
    if empty or not held_out.any():
        raise UsageError(
            f"the split leaves no image for {', '.join(empty) or 'held_out'}; hold out fewer "
            f"factors, or take a larger set."
        )
    return {**kept, "held_out": held_out.nonzero().flatten()}


def _columns(dataset: FactorDataset, names: Sequence[str]) -> list[tuple[Tensor, int]]:
    for name in names:
        if name not in dataset.factor_names:
            raise UsageError(
                f"split_factors has {name!r}; this set has {', '.join(dataset.factor_names)}."
            )
    places = [dataset.factor_names.index(name) for name in names]
    for name, place in zip(names, places, strict=True):
        if dataset.factor_sizes[place] < 2:
            raise UsageError(f"{name} has one value only, of which none can be held out.")
    return [(dataset.factors[:, place].long(), dataset.factor_sizes[place]) for place in places]


def _upper(column: Int[Tensor, " sample"], size: int) -> Bool[Tensor, " sample"]:
    """The upper half of the values, the middle one of an odd number not among them."""
    return 2 * column > size - 1


def _second(column: Int[Tensor, " sample"], size: int) -> Bool[Tensor, " sample"]:
    """Every second value, neither the first nor the last."""
    if size < 3:
        raise UsageError(f"between {size} values of a factor there is none to hold out.")
    return (column % 2 == 1) & (column < size - 1)
