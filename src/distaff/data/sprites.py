"""Sprites: shapes as in dSprites at any size, with any factor values, colours and edges."""

import colorsys
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from distaff.data.base import Dataset
from distaff.data.composition import Composition
from distaff.data.drawing.shapes import SHAPES, SPRITE_KINDS, draw_shapes
from distaff.data.factor_dataset import FactorDataset, grid
from distaff.data.sources import DrawnImages
from distaff.data.splits import random_splits
from distaff.types import Images

SPLIT_SEED = 2017
SUBSAMPLES = 4
FEWEST_IMAGES, MOST_IMAGES = 3, 2_000_000
NUMBERS = {shape: number for number, shape in enumerate(SHAPES, start=1)}
"""Values of the factor shape, as in dSprites."""
Shape = Literal["square", "ellipse", "heart", "triangle", "crescent", "cross", "l-shape", "star"]


class Sprites(Dataset):
    """A square, ellipse, heart or other shape of any scale, orientation, position and colour.

    The first three shapes and the ranges of their factors are those of dSprites; shapes, size of
    the picture, number of values of each factor, colours and edges are settings, and `continuous`
    draws factor values from their whole range, for what the grid of dSprites cannot answer. Every
    image is drawn on the device when it is asked for.

    Splits, drawn from a fixed seed: a tenth of the images each for `validation` and `test`, the
    rest for `train`; what a `split` holds out is in none of them and is the split `held_out`.

    Reference: square, ellipse and heart are those of Matthey, Higgins, Hassabis, Lerchner 2017,
    "dSprites".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Composition):
        """Settings of the sprites."""

        size: int = 64
        """Height and width of a picture in pixels."""
        colors: int = 1
        """Number of colours: 1 is white on one channel, more are hues on three channels."""
        shapes: tuple[Shape, ...] = ("square", "ellipse", "heart")
        """Which shapes."""
        scales: int = 6
        """Number of scales, evenly from 0.5 to 1; a single one is 1."""
        orientations: int = 40
        """Number of orientations, evenly over the full turn, which is not counted twice."""
        positions_x: int = 32
        """Number of horizontal positions, from left to right; a single one is the middle."""
        positions_y: int = 32
        """Number of vertical positions, from top to bottom; a single one is the middle."""
        smooth: bool = False
        """Whether edges are smooth (16 samples a pixel) or each pixel is on or off."""
        continuous: int = 0
        """If above 0, this many images with scale, orientation and position drawn uniformly from
        their whole range; the factor then is the cell of the grid in which the value lies."""

        def __post_init__(self) -> None:
            """Refuses settings that no picture can have."""
            super().__post_init__()
            for name, low, high in (
                ("size", 8, 1024),
                ("colors", 1, 256),
                ("scales", 1, 1024),
                ("orientations", 1, 1024),
                ("positions_x", 1, 1024),
                ("positions_y", 1, 1024),
                ("continuous", 0, MOST_IMAGES),
            ):
                if not low <= getattr(self, name) <= high:
                    raise ValueError(
                        f"{name} is {getattr(self, name)}; it must be from {low} to {high}"
                    )
            if not self.shapes or not set(self.shapes) <= set(NUMBERS):
                raise ValueError(f"shapes is {self.shapes}; choose of {', '.join(NUMBERS)}")
            images = self.continuous or math.prod(self.factor_sizes)
            if not FEWEST_IMAGES <= images <= MOST_IMAGES:
                raise ValueError(
                    f"the set has {images:,} images; it must have from {FEWEST_IMAGES}, so that "
                    f"each split has one, to {MOST_IMAGES:,}"
                )

        @property
        def factor_sizes(self) -> tuple[int, ...]:
            """Number of values of each factor, in the order of dSprites."""
            return (
                self.colors,
                len(self.shapes),
                self.scales,
                self.orientations,
                self.positions_x,
                self.positions_y,
            )

    config: Config

    def load(self) -> FactorDataset:
        """Returns the set; its images are drawn when they are asked for."""
        config = self.config
        factors, values = _continuous(config) if config.continuous else _grid(config)
        tenth = max(1, len(factors) // 10)
        sizes = {"train": len(factors) - 2 * tenth, "validation": tenth, "test": tenth}
        channels = 1 if config.colors == 1 else 3
        dataset = FactorDataset(
            source=DrawnImages(self._draw, values, binary=config.colors == 1 and not config.smooth),
            factors=factors,
            values=values,
            factor_names=("color", "shape", "scale", "orientation", "posX", "posY"),
            factor_kinds=SPRITE_KINDS,
            factor_sizes=config.factor_sizes,
            image_shape=(channels, config.size, config.size),
            splits=random_splits(len(factors), sizes, seed=SPLIT_SEED),
        )
        return config.hold_out(dataset)

    def _draw(self, values: Tensor, device: torch.device | str) -> Images:
        hue, shape, scale, orientation, x, y = values.unbind(dim=1)
        samples = SUBSAMPLES if self.config.smooth else 1
        pictures = draw_shapes(
            shape.long().to(device) - 1,
            scale,
            orientation,
            x,
            y,
            size=self.config.size,
            samples=samples,
        )[:, None].float()
        if self.config.colors == 1:
            return pictures
        palette = torch.tensor(
            [colorsys.hsv_to_rgb(i / self.config.colors, 1, 1) for i in range(self.config.colors)],
            device=device,
        )
        return (
            pictures
            * palette[(hue * self.config.colors).round().long().to(device)][:, :, None, None]
        )


def _grid(config: Sprites.Config) -> tuple[Tensor, Tensor]:
    return grid(
        (
            [i / config.colors for i in range(config.colors)],
            [float(NUMBERS[shape]) for shape in config.shapes],
            _even(0.5, 1, config.scales, single=1),
            [2 * math.pi * i / config.orientations for i in range(config.orientations)],
            _even(0, 1, config.positions_x, single=0.5),
            _even(0, 1, config.positions_y, single=0.5),
        )
    )


def _even(low: float, high: float, count: int, *, single: float) -> list[float]:
    return [single] if count == 1 else np.linspace(low, high, count).tolist()


def _continuous(config: Sprites.Config) -> tuple[Tensor, Tensor]:
    """Factor values drawn uniformly, and the cells of the grid in which they lie."""
    sizes = torch.tensor(config.factor_sizes, dtype=torch.float64)
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    uniform = torch.rand((config.continuous, 6), generator=generator, dtype=torch.float64)
    cells = (uniform * sizes).floor().to(torch.int16)
    spread = torch.tensor([0, 0, 0.5, 2 * math.pi, 1, 1], dtype=torch.float64)
    low = torch.tensor([0, 0, 0.5, 0, 0, 0], dtype=torch.float64)
    single = torch.tensor([0, 0, 1, 0, 0.5, 0.5], dtype=torch.float64)
    values = torch.where(sizes == 1, single, low + spread * uniform)
    values[:, 0] = cells[:, 0] / config.colors
    values[:, 1] = torch.tensor([NUMBERS[s] for s in config.shapes])[cells[:, 1].long()]
    return cells, values
