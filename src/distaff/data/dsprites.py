"""dSprites, drawn from its definition instead of downloaded."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from distaff.data.base import Dataset
from distaff.data.factors import DrawnImages, FactorDataset, grid, random_parts
from distaff.data.shapes import draw_shapes
from distaff.types import Images

SPLIT_SEED = 2017
PARTS = {
    "train": 245_760,
    "supervised_train": 16_384,
    "test_reconstruct": 24,
    "test_interpolate": 10,
    "validation": 10_240,
    "test": 49_152,
}


class DSprites(Dataset):
    """737,280 black and white images, 64 x 64, of a square, an ellipse or a heart.

    Every combination of color 1, shape 3, scale 6, orientation 40, posX 32 and posY 32, indexed
    as the official file: posY varies fastest, the bases are 737280, 245760, 40960, 1024, 32, 1.
    Orientation runs from 0 to 2 pi inclusive, so that its first and last value give the same
    picture; in all, 715,706 of the pictures differ.

    Parts, drawn once from a fixed seed, in the sizes of the assignment "Rendering images with
    latent semi-supervision" (CS 699, University of Southern California): `train` (245,760, without
    labels), `supervised_train` (16,384, with labels), `test_reconstruct`, `test_interpolate` (five
    pairs, one after the other); and `validation` and `test` beside them.

    Reference: Matthey, Higgins, Hassabis, Lerchner 2017, "dSprites: Disentanglement testing
    Sprites dataset".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """dSprites has no settings."""

    def load(self) -> FactorDataset:
        """Returns the set; its images are drawn when they are asked for."""
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
            factor_sizes=(1, 3, 6, 40, 32, 32),
            image_shape=(1, 64, 64),
            parts=random_parts(len(factors), PARTS, seed=SPLIT_SEED),
        )


def _draw(values: Tensor, device: torch.device | str) -> Images:
    _, shape, scale, orientation, x, y = values.unbind(dim=1)
    return draw_shapes(shape.long().to(device) - 1, scale, orientation, x, y)[:, None].float()
