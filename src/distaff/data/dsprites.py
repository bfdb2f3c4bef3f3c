"""dSprites, drawn from its definition, or read from one of its official files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from distaff.data.base import Comparison, Dataset, OnImages
from distaff.data.composition import Composition
from distaff.data.drawing.shapes import SPRITE_KINDS, draw_shapes
from distaff.data.factor_dataset import FactorDataset, grid
from distaff.data.reading.dsprites_file import HDF5, NPZ, compare, images_in
from distaff.data.reading.official_files import OfficialFile
from distaff.data.sources import DrawnImages
from distaff.data.splits import random_splits
from distaff.errors import DataError
from distaff.types import Images

SPLIT_SEED = 2017
SIZES = {
    "train": 245_760,
    "supervised_train": 16_384,
    "test_reconstruct": 24,
    "test_interpolate": 10,
    "validation": 10_240,
    "test": 49_152,
}
FILES: Mapping[str, tuple[OfficialFile, ...]] = {"drawn": (), "npz": (NPZ,), "hdf5": (HDF5,)}
"""What each source reads."""


class DSprites(Dataset):
    """737,280 black and white images, 64 x 64, of a square, an ellipse or a heart.

    Every combination of color 1, shape 3, scale 6, orientation 40, posX 32 and posY 32, indexed
    as the official file: posY varies fastest, the bases are 737280, 245760, 40960, 1024, 32, 1.
    Orientation runs from 0 to 2 pi inclusive, so that its first and last value give the same
    picture; in all, 715,706 of the pictures differ.

    Splits, drawn once from a fixed seed, in the sizes of the assignment "Rendering images with
    latent semi-supervision" (CS 699, University of Southern California): `train` (245,760, without
    labels), `supervised_train` (16,384, with labels), `test_reconstruct`, `test_interpolate` (five
    pairs, one after the other); and `validation` and `test` beside them. Where the file of that
    assignment is at hand, it takes the place of the drawn split. What a `split` holds out is the
    split `held_out`, and the two splits whose rows belong together are then left out.

    Reference: Matthey, Higgins, Hassabis, Lerchner 2017, "dSprites: Disentanglement testing
    Sprites dataset".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Composition):
        """Settings of dSprites."""

        source: Literal["drawn", "npz", "hdf5"] = field(
            default="drawn", metadata={"hashed": "if changed"}
        )
        """Where the images come from: drawn, which needs no download and differs from the official
        file in a few pixels at most, or one of the two official files."""
        ids: str = field(default="", metadata={"hashed": "if changed"})
        """Path of an .npz of rows, whose arrays become splits: train, supervised_train,
        test_reconstruct and test_interpolate of the assignment's ids.npz; validation and test are
        then drawn from the rows that it leaves. By default all splits are drawn."""

        def __post_init__(self) -> None:
            """Refuses an unknown source or split."""
            super().__post_init__()
            if self.source not in FILES:
                raise ValueError(f"source is {self.source!r}; choose of {', '.join(FILES)}")

    config: Config
    official = (NPZ, HDF5)

    @property
    def files(self) -> Sequence[OfficialFile]:
        """The official file of these settings, if any."""
        return FILES[self.config.source]

    def load(self) -> FactorDataset:
        """Returns the set; drawn images are drawn when they are asked for."""
        dataset = _drawn()
        if self.config.ids:
            given = dataset.split_by_file(self.config.ids).splits
            dataset = replace(dataset, splits=_with_rest(given, len(dataset)))
        for path in self.fetch():
            dataset = replace(dataset, source=images_in(path))
        return self.config.hold_out(dataset)

    def compare(self, file: OfficialFile, on_images: OnImages) -> Comparison:
        """Returns how far an official file and the drawing agree."""
        return compare(file.path, _drawn(), on_images)


def _with_rest(splits: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """Draws validation and test, where they are not given, from the rows of no given split."""
    if "train" not in splits:
        raise DataError(
            f"the index file names {', '.join(splits)}; it must name the rows of train."
        )
    free = torch.ones(count, dtype=torch.bool)
    free[torch.cat(list(splits.values()))] = False
    rest = free.nonzero().squeeze(1)
    sizes = {name: SIZES[name] for name in ("validation", "test") if name not in splits}
    drawn = random_splits(len(rest), sizes, seed=SPLIT_SEED)
    return {**splits, **{name: rest[rows] for name, rows in drawn.items()}}


def _drawn() -> FactorDataset:
    factors, values = grid(
        (
            [1.0],
            [1.0, 2.0, 3.0],
            np.linspace(0.5, 1, 6).tolist(),
            np.linspace(0, 2 * math.pi, 40).tolist(),
            np.linspace(0, 1, 32).tolist(),
            np.linspace(0, 1, 32).tolist(),
        )
    )
    return FactorDataset(
        source=DrawnImages(_draw, values, binary=True),
        factors=factors,
        values=values,
        factor_names=("color", "shape", "scale", "orientation", "posX", "posY"),
        factor_kinds=SPRITE_KINDS,
        factor_sizes=(1, 3, 6, 40, 32, 32),
        image_shape=(1, 64, 64),
        splits=random_splits(len(factors), SIZES, seed=SPLIT_SEED),
    )


def _draw(values: Tensor, device: torch.device | str) -> Images:
    _, shape, scale, orientation, x, y = values.unbind(dim=1)
    return draw_shapes(shape.long().to(device) - 1, scale, orientation, x, y)[:, None].float()
