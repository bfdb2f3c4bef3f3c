"""Images together with the factors that made them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from numpy.typing import ArrayLike
from torch import Tensor

from distaff.data.packed import PackedImages
from distaff.errors import DataError, UsageError
from distaff.types import Batch, DataSpec, Factors, Images

Index = Int[Tensor, " batch"]
DRAWN_AT_ONCE = 2048


@runtime_checkable
class ImageSource(Protocol):
    """Where images come from: memory, or a function that draws them."""

    def images_at(self, index: Index) -> Images:
        """Returns the images of these rows, float32 in [0, 1], on the source's device."""

    def to(self, device: torch.device | str) -> ImageSource:
        """Returns the same source on another device."""


@dataclass(frozen=True)
class StoredImages:
    """Images held as bytes and turned into numbers only when asked for."""

    pixels: UInt8[Tensor, "sample channel height width"]

    def images_at(self, index: Index) -> Images:
        """Returns the images of these rows, grey levels divided by 255."""
        return self.pixels[index].to(torch.float32) / 255

    def to(self, device: torch.device | str) -> StoredImages:
        """Returns the same images on another device."""
        return StoredImages(self.pixels.to(device))


@dataclass(frozen=True)
class DrawnImages:
    """Images that are drawn from their factor values each time they are asked for."""

    draw: Callable[[Tensor, torch.device | str], Images]
    """Images of factor values [batch, factor], on a device."""
    values: Float[Tensor, "sample factor"]
    """On the CPU: they are float64, which some devices lack."""
    device: torch.device | str = "cpu"
    binary: bool = False
    """Whether each pixel is 0 or 1."""

    def images_at(self, index: Index) -> Images:
        """Draws the images of these rows."""
        return self.draw(self.values[index.cpu()], self.device)

    def to(self, device: torch.device | str) -> DrawnImages:
        """Returns a source that draws on another device."""
        return replace(self, device=device)


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
    image_shape: tuple[int, int, int]
    """Channels, height, width."""
    parts: Mapping[str, Int[Tensor, " part"]]
    """Rows of each named part: at least train, validation and test."""

    def __len__(self) -> int:
        return len(self.factors)

    @property
    def device(self) -> torch.device:
        """The device on which images come out."""
        return self.factors.device

    @property
    def spec(self) -> DataSpec:
        """What a model must know of this set."""
        return DataSpec(self.image_shape, self.factor_sizes, len(self), self.factor_names)

    def images_at(self, indices: ArrayLike | Tensor) -> Images:
        """Returns images, float32 in [0, 1], [batch, channel, height, width].

        Args:
            indices: rows of the set; a sequence, array or tensor of integers of one dimension.

        Raises:
            UsageError: an index outside of the set, or not an integer.
        """
        return self.source.images_at(self._rows(indices))

    def batch_at(self, indices: Index, *, labelled: bool = False) -> Batch:
        """Returns images and factors of these rows, all of them labelled or none."""
        marks = torch.full((len(indices),), labelled, device=self.device)
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
            parts={name: rows.to(device) for name, rows in self.parts.items()},
        )

    def packed(self) -> FactorDataset:
        """Returns the set with its images drawn once and kept as bits on its device.

        A set whose images are not drawn, or not of zeros and ones only, comes back as it is.
        """
        origin = self.source
        while isinstance(origin, _Rows):
            origin = origin.source
        if not (isinstance(origin, DrawnImages) and origin.binary):
            return self
        pieces = torch.arange(len(self), device=self.device).split(DRAWN_AT_ONCE)
        bits = [PackedImages.of(self.source.images_at(rows)).bits for rows in pieces]
        return replace(self, source=PackedImages(torch.cat(bits), self.image_shape))

    def part(self, name: str) -> FactorDataset:
        """Returns one named part as a set of its own.

        Raises:
            UsageError: the set has no such part.
        """
        if name not in self.parts:
            raise UsageError(f"unknown part {name!r}: this set has {', '.join(self.parts)}.")
        return self.subset(self.parts[name])

    def subset(self, rows: Index) -> FactorDataset:
        """Returns the set of these rows, in this order."""
        return replace(
            self,
            source=_Rows(self.source, rows),
            factors=self.factors[rows],
            values=self.values[rows.cpu()],
            parts={},
        )

    def split(self, counts: Mapping[str, int], *, seed: int = 0) -> FactorDataset:
        """Returns the set with its parts drawn anew, without overlap and the same for a seed.

        Args:
            counts: number of images of each part.
            seed: decides which images.

        Raises:
            UsageError: more images asked for than there are, or a negative count.
        """
        return replace(self, parts=random_parts(len(self), counts, seed=seed))

    def split_by_file(self, path: Path | str) -> FactorDataset:
        """Returns the set with the parts that an `.npz` file of index arrays names.

        Raises:
            DataError: no such file, or its arrays are not rows of this set.
        """
        return replace(self, parts=parts_from_file(Path(path), len(self)))

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


@dataclass(frozen=True)
class _Rows:
    """Some rows of another source."""

    source: ImageSource
    rows: Index

    def images_at(self, index: Index) -> Images:
        return self.source.images_at(self.rows[index])

    def to(self, device: torch.device | str) -> _Rows:
        return _Rows(self.source.to(device), self.rows.to(device))


def random_parts(count: int, sizes: Mapping[str, int], *, seed: int) -> dict[str, Tensor]:
    """Returns disjoint random rows of `count` for each named part, the same for a seed."""
    wanted = sum(sizes.values())
    if wanted > count or min(sizes.values(), default=0) < 0:
        raise UsageError(f"a split into {dict(sizes)} needs {wanted} images; the set has {count}.")
    order = torch.from_numpy(np.random.default_rng(seed).permutation(count))
    return dict(zip(sizes, order[:wanted].split(list(sizes.values())), strict=True))


def parts_from_file(path: Path, count: int) -> dict[str, Tensor]:
    """Returns the index arrays of an `.npz` file as parts; pairs are laid out in a row."""
    if not path.is_file():
        raise DataError(f"no index file at {path}; give an .npz whose arrays are image indices.")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, BadZipFile, EOFError) as error:
        raise DataError(f"{path} is not a readable .npz of index arrays ({error}).") from None
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.integer) or array.size == 0:
            raise DataError(f"{name!r} in {path} holds {array.dtype}, not a list of image indices.")
        if array.min() < 0 or array.max() >= count:
            raise DataError(
                f"{name!r} in {path} has the index {array.max()}; the set has 0 to {count - 1}."
            )
    return {name: torch.from_numpy(a.astype(np.int64).ravel()) for name, a in arrays.items()}


def grid(values: Sequence[Sequence[float]]) -> tuple[Tensor, Tensor]:
    """Returns every combination of factor values, the last factor varying fastest.

    Args:
        values: the values of each factor.

    Returns:
        Index of each value, int16 [sample, factor], and the values, float64 [sample, factor].
    """
    tables = [torch.tensor(list(column), dtype=torch.float64) for column in values]
    ranges = [torch.arange(len(table), dtype=torch.int16) for table in tables]
    index = torch.cartesian_prod(*ranges).reshape(-1, len(tables))
    columns = [table[index[:, i].long()] for i, table in enumerate(tables)]
    return index, torch.stack(columns, dim=1)
