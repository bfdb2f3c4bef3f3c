"""A circle or a square at a grid of positions, pixel by pixel as Pillow draws them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from matplotlib.colors import is_color_like, to_rgb
from torch import Tensor

from distaff.data.base import Dataset
from distaff.data.composition import Composition
from distaff.data.drawing.pillow_shapes import MARGIN, SHAPES, draw_boxes
from distaff.data.factor_dataset import FactorDataset, grid
from distaff.data.sources import DrawnImages
from distaff.data.splits import random_splits
from distaff.types import Images

SPLIT_SEED = 2017
MOST_IMAGES = 2_000_000


class Circles(Dataset):
    """3,675 images, 64 x 64, of a circle on black: 35 x 35 positions in red, green and blue.

    A small set for comparing how decoders handle positions. Every combination of posX,
    posY, shape, size and color, the last varying fastest; values of positions run from 0 to 1, of
    shape as in SHAPES, of size in pixels, of color as in the setting `colors`. Pillow cuts the
    place (size of the picture - 2 - size of the shape) * position off to a whole pixel, and so do
    these images, so that neighbours in the default grid are one or two pixels apart.

    Splits: `train` is every image that is not held out, since the source trains on all of them;
    `validation` and `test` are a random tenth of them each, from a fixed seed, and so are images
    that were seen in training. What was not seen is the split `held_out`, if the setting `held_out`
    or `split` makes one.

    Reference: "Spatial Broadcast Decoder", re-implementation of Watters, Matthey, Burgess,
    Lerchner 2019, arXiv:1901.07017, with this set in place of coloured dSprites.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Composition):
        """Settings of the circles."""

        size: int = 64
        """Height and width of a picture in pixels."""
        positions: int = 35
        """Number of positions each way."""
        shapes: tuple[Literal["circle", "square"], ...] = ("circle",)
        """Which shapes."""
        shape_sizes: tuple[int, ...] = (16,)
        """Sizes of a shape in pixels; it covers one pixel more, as Pillow counts the last."""
        colors: tuple[str, ...] = ("red", "green", "blue")
        """Names of colours, or #rrggbb."""
        held_out: Literal["nothing", "quadrant", "combinations"] = "nothing"
        """What no training image shows: nothing; positions in the upper right quadrant; or each
        colour in one upright strip of its own, as many strips as there are colours."""

        def __post_init__(self) -> None:
            """Refuses settings that no picture can have."""
            super().__post_init__()
            for name, given, low, high in (
                ("size", self.size, 8, 1024),
                ("positions", self.positions, 2, 256),
                *(("a shape size", given, 1, self.size - MARGIN) for given in self.shape_sizes),
            ):
                if not low <= given <= high:
                    raise ValueError(f"{name} is {given}; it must be from {low} to {high}")
            for name, known in (("shapes", SHAPES.__contains__), ("colors", is_color_like)):
                _refuse_unknown(name, getattr(self, name), known)
            if not self.shape_sizes:
                raise ValueError("shape_sizes is empty; give at least one size in pixels")
            kinds = len(self.shapes) * len(self.shape_sizes) * len(self.colors)
            if self.positions**2 * kinds > MOST_IMAGES:
                raise ValueError(
                    f"the set has {self.positions**2 * kinds:,} images; it must have at most "
                    f"{MOST_IMAGES:,}, whose factors are held in memory"
                )
            if "nothing" not in (self.held_out, self.split):
                raise ValueError(
                    f"held_out is {self.held_out} and split is {self.split}; choose one of them"
                )
            if self.held_out == "combinations" and not 2 <= len(self.colors) <= self.positions:
                raise ValueError(
                    f"held_out is combinations of {len(self.colors)} colours and {self.positions} "
                    f"positions; it takes at least 2 colours and as many positions"
                )

    config: Config

    def load(self) -> FactorDataset:
        """Returns the set; its images are drawn when they are asked for."""
        config = self.config
        places = np.linspace(0, 1, config.positions).tolist()
        kinds = [float(SHAPES.index(shape)) for shape in config.shapes]
        sizes = [float(size) for size in config.shape_sizes]
        columns = (places, places, kinds, sizes, [float(i) for i in range(len(config.colors))])
        factors, values = grid(columns)
        dataset = FactorDataset(
            source=DrawnImages(self.draw, values),
            factors=factors,
            values=values,
            factor_names=("posX", "posY", "shape", "size", "color"),
            factor_kinds=("ordinal", "ordinal", "discrete", "ordinal", "discrete"),
            factor_sizes=tuple(len(column) for column in columns),
            image_shape=(3, config.size, config.size),
            splits=_splits(_held_out(factors, config)),
        )
        return config.hold_out(dataset)

    def draw(self, values: Float64[Tensor, "batch 5"], device: torch.device | str) -> Images:
        """Returns images of any factor values: posX and posY in [0, 1] need not be on the grid."""
        x, y, shape, size, color = values.unbind(dim=1)
        palette = torch.tensor([to_rgb(name) for name in self.config.colors], dtype=torch.float64)
        bytes_of = (255 * palette).round().to(torch.float32) / 255
        pictures = draw_boxes(shape.long(), size, x, y, picture_size=self.config.size)
        shade = bytes_of[color.long()][:, :, None, None]
        return (pictures[:, None] * shade).to(device)


def _held_out(
    factors: Int[Tensor, "sample factor"], config: Circles.Config
) -> Bool[Tensor, " sample"]:
    """True in the rows held out of training."""
    x, y, color = factors[:, 0].long(), factors[:, 1], factors[:, 4]
    if config.held_out == "quadrant":
        return (2 * x >= config.positions) & (2 * y < config.positions - 1)
    if config.held_out == "combinations":
        return x * len(config.colors) // config.positions == color
    return torch.zeros(len(factors), dtype=torch.bool)


def _splits(held_out: Bool[Tensor, " sample"]) -> dict[str, Tensor]:
    train = (~held_out).nonzero().flatten()
    tenth = math.ceil(len(train) / 10)
    seen = random_splits(len(train), {"validation": tenth, "test": tenth}, seed=SPLIT_SEED)
    splits = {"train": train, **{name: train[rows] for name, rows in seen.items()}}
    return splits | ({"held_out": held_out.nonzero().flatten()} if held_out.any() else {})


def _refuse_unknown(name: str, given: tuple[str, ...], known: Callable[[str], bool]) -> None:
    if not given or not all(map(known, given)):
        raise ValueError(f"{name} is {given}; give at least one, each of a known name")
