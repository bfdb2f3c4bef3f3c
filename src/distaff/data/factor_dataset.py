"""Images together with the factors that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike
from torch import Tensor

from distaff.data.sources import ImageSource, Index, Subset, drawn_black_and_white, drawn_once
from distaff.data.splits import random_splits, splits_from_file
from distaff.errors import UsageError
from distaff.types import Batch, DataSpec, Factors, Images


@dataclass(frozen=True, kw_only=True)
class FactorDataset:
    """Images with their ground-truth factors.

    A set without factors has no names, no sizes and a table of no columns. A class label is a
    factor. A set is small in memory whatever its number of images: these are stored as bytes, or
    drawn when asked for.
    """

    source: ImageSource
    factors: Int[Tensor, "sample factor"]
    """Index of each factor's value."""
    values: Float[Tensor, "sample factor"]
    """The value itself, in the factor's own unit; always on the CPU."""
    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]
    factor_kinds: tuple[str, ...] = ()
    """"discrete", "ordinal" or "continuous" for each factor; () for discrete ones only."""
    value_names: tuple[tuple[str, ...], ...] = ()
    """The values of each factor as a person gave them, in the order of their index: numbers, words;
    () for a factor with too many, or for all where the index is as good a name."""
    image_shape: tuple[int, int, int]
    """Channels, height, width."""
    splits: Mapping[str, Int[Tensor, " split"]]
    """Rows of each named split: at least train, validation and test."""

    labels: Bool[Tensor, " sample"] | None = None
    """True for the images whose factors a model may see; None where all are labelled."""

    def __len__(self) -> int:
        return len(self.factors)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Returns an image, [channel, height, width], and its factors, [factor].

        Raises:
            IndexError: there is no such image, which also ends a loop over the set.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        rows = self._rows([index % len(self)])
        return self.source.images_at(rows)[0], self.factors_at(rows)[0]

    def __repr__(self) -> str:
        """A line: how many images of what size, factors and splits."""
        factors = dict(zip(self.factor_names, self.factor_sizes, strict=True))
        splits = {name: len(rows) for name, rows in self.splits.items()}
        size = " x ".join(map(str, self.image_shape))
        return f"FactorDataset({len(self):,} images of {size}, factors {factors}, splits {splits})"

    @property
    def labelled(self) -> Bool[Tensor, " sample"]:
        """Whether each image is labelled."""
        if self.labels is None:
            return torch.ones(len(self), dtype=torch.bool, device=self.device)
        return self.labels

    @property
    def device(self) -> torch.device:
        """The device on which images come out."""
        return self.factors.device

    @property
    def spec(self) -> DataSpec:
        """What a model must know of this set."""
        return DataSpec(
            self.image_shape, self.factor_sizes, len(self), self.factor_names, self.value_names
        )

    def images_at(self, indices: ArrayLike | Tensor) -> Images:
        """Returns images, float32 in [0, 1], [batch, channel, height, width].

        Args:
            indices: rows of the set; a sequence, array or tensor of integers of one dimension.

        Raises:
            UsageError: an index outside of the set, or not an integer.
        """
        return self.source.images_at(self._rows(indices))

    def batch_at(self, indices: Index, *, labelled: bool = False) -> Batch:
        """Returns images and factors of these rows.

        Args:
            indices: of the rows.
            labelled: whether the rows that are labelled are marked as such; else none is.
        """
        marks = torch.full((len(indices),), labelled, device=self.device)
        if self.labels is not None:
            marks &= self.labels[indices]
        return Batch(self.source.images_at(indices), self.factors_at(indices), marks)

    def factors_at(self, indices: Index) -> Factors:
        """Returns the factors of these rows, int64."""
        return self.factors[indices].to(torch.int64)

    def sample(self, batch_size: int, generator: torch.Generator) -> Batch:
        """Returns rows drawn with replacement; `generator` lives on the set's device."""
        return self.batch_at(
            torch.randint(len(self), (batch_size,), generator=generator, device=self.device)
        )

    def to(self, device: torch.device | str) -> FactorDataset:
        """Returns the same set on another device."""
        return replace(
            self,
            source=self.source.to(device),
            factors=self.factors.to(device),
            labels=None if self.labels is None else self.labels.to(device),
            splits={name: rows.to(device) for name, rows in self.splits.items()},
        )

    def packed(self) -> FactorDataset:
        """Returns the set with its images drawn once and kept as bits on its device.

        A set whose images are not drawn, or not of zeros and ones only, comes back as it is.
        """
        if not drawn_black_and_white(self.source):
            return self
        packed = drawn_once(self.to("cpu").source, len(self), self.image_shape)
        return replace(self, source=packed.to(self.device))

    def split(self, name: str) -> FactorDataset:
        """Returns one named split as a set of its own.

        Raises:
            UsageError: the set has no such split.
        """
        if name not in self.splits:
            raise UsageError(f"unknown split {name!r}: this set has {', '.join(self.splits)}.")
        return self.subset(self.splits[name])

    def subset(self, rows: Index) -> FactorDataset:
        """Returns the set of these rows, in this order."""
        return replace(
            self,
            source=Subset(self.source, rows),
            factors=self.factors[rows],
            labels=None if self.labels is None else self.labels[rows],
            values=self.values[rows.cpu()],
            splits={},
        )

    def split_randomly(self, counts: Mapping[str, int], *, seed: int = 0) -> FactorDataset:
        """Returns the set with its splits redrawn, without overlap and the same for a seed.

        Args:
            counts: number of images of each split.
            seed: decides which images.

        Raises:
            UsageError: more images asked for than there are, or a negative count.
        """
        return replace(self, splits=random_splits(len(self), counts, seed=seed))

    def split_by_file(self, path: Path | str) -> FactorDataset:
        """Returns the set with the splits that an `.npz` file of index arrays names.

        Raises:
            DataError: no such file, or its arrays are not rows of this set.
        """
        return replace(self, splits=splits_from_file(Path(path), len(self)))

    def _rows(self, indices: ArrayLike | Tensor) -> Index:
        rows = torch.as_tensor(indices, device=self.device)
        if rows.ndim != 1 or rows.is_floating_point() or rows.dtype == torch.bool:
            raise UsageError(
                f"indices are {rows.dtype} of shape {tuple(rows.shape)}; give a flat list of whole "
                f"numbers."
            )
        rows = rows.to(torch.int64)
        if len(rows) and (int(rows.min()) < 0 or int(rows.max()) >= len(self)):
            raise UsageError(
                f"index {int(rows.min())} to {int(rows.max())} asked for; the set has the images "
                f"0 to {len(self) - 1}."
            )
        return rows


def grid(values: Sequence[Sequence[float]]) -> tuple[Tensor, Tensor]:
    """Returns every combination of factor values, the last factor varying fastest.

    Args:
        values: the values of each factor.

    Returns:
        Index of each value, int16 [sample, factor], and the values, float64 [sample, factor].
    """
    tables = [torch.tensor(list(column), dtype=torch.float64) for column in values]
    ranges = [torch.arange(len(table), dtype=torch.int16) for table in tables]
    index, table = (torch.cartesian_prod(*axes).reshape(-1, len(axes)) for axes in (ranges, tables))
    return index, table
