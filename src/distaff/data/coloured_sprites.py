"""dSprites in colours: three continuous factors on top of its grid."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from distaff.data.base import Dataset
from distaff.data.config import DatasetConfig
from distaff.data.drawing.shapes import draw_shapes
from distaff.data.dsprites import DSprites
from distaff.data.factor_dataset import FactorDataset
from distaff.data.sources import DrawnImages
from distaff.data.splits import random_splits
from distaff.types import Images

SPLIT_SEED = 2017
Range = tuple[float, float]


class ColouredSprites(Dataset):
    """dSprites, 737,280 images, each in a colour drawn uniformly from a box in HSV.

    The eight factors of the coloured sprites of Watters et al.: hue, saturation, value, shape,
    scale, orientation, posX and posY. Row and grid of the last five are those of dSprites. The
    colour is continuous: it depends on the row and the seed alone, `values` holds its numbers, and
    the index of such a factor is the cell in which the number lies, out of as many equal cells of
    the box's side as `color_cells` says.

    The box from which the paper draws colours is not known; the default is that of environments
    which its first author published later (Spriteworld), and is not confirmed for this paper.

    Splits, drawn from a fixed seed: a tenth of the images each for `validation` and `test`, the
    rest for `train`.

    Reference: Watters, Matthey, Burgess, Lerchner 2019, "Spatial Broadcast Decoder: A simple
    architecture for learning disentangled representations in VAEs", arXiv:1901.07017, appendix A.3.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(DatasetConfig):
        """Settings of the coloured sprites."""

        hue: Range = (0.0, 1.0)
        """From which to which hue, within 0 to 1, the full turn."""
        saturation: Range = (0.3, 1.0)
        """From which to which saturation, within 0 to 1."""
        value: Range = (0.9, 1.0)
        """From which to which brightness, within 0 to 1."""
        color_cells: int = 8
        """Number of cells of each of the three, for the index of the factor."""
        seed: int = 0
        """Decides the colour of each image."""

        def __post_init__(self) -> None:
            """Refuses a box that is empty or holds no colours."""
            for name in ("hue", "saturation", "value"):
                low, high = getattr(self, name)
                if not 0 <= low < high <= 1:
                    raise ValueError(f"{name} goes from {low} to {high}; take 0 <= from < to <= 1")
            if not 1 <= self.color_cells <= 256:
                raise ValueError(f"color_cells is {self.color_cells}; it must be from 1 to 256")

    config: Config

    def load(self) -> FactorDataset:
        """Returns the set; its images are drawn when they are asked for."""
        config, plain = self.config, DSprites(DSprites.Config()).load()
        uniform = torch.from_numpy(np.random.default_rng(config.seed).random((len(plain), 3)))
        low, high = torch.tensor([config.hue, config.saturation, config.value]).double().T
        cells = (config.color_cells * uniform).floor().to(torch.int16)
        values = torch.cat([low + (high - low) * uniform, plain.values[:, 1:]], dim=1)
        tenth = len(plain) // 10
        sizes = {"train": len(plain) - 2 * tenth, "validation": tenth, "test": tenth}
        return FactorDataset(
            source=DrawnImages(_draw, values),
            factors=torch.cat([cells, plain.factors[:, 1:]], dim=1),
            values=values,
            factor_names=("hue", "saturation", "value", *plain.factor_names[1:]),
            factor_kinds=("discrete", "ordinal", "ordinal", *plain.factor_kinds[1:]),
            factor_sizes=(config.color_cells,) * 3 + plain.factor_sizes[1:],
            image_shape=(3, 64, 64),
            splits=random_splits(len(plain), sizes, seed=SPLIT_SEED),
        )


def _draw(values: Tensor, device: torch.device | str) -> Images:
    _, _, _, shape, scale, orientation, x, y = values.unbind(dim=1)
    pictures = draw_shapes(shape.long().to(device) - 1, scale, orientation, x, y)
    return pictures[:, None] * to_rgb(values[:, :3]).float().to(device)[:, :, None, None]


def to_rgb(hsv: Float[Tensor, "batch 3"]) -> Float[Tensor, "batch 3"]:
    """Returns red, green and blue of hue, saturation and value, all in [0, 1].

    Reference: Smith 1978, "Color gamut transform pairs"; the same as `colorsys.hsv_to_rgb`.
    """
    hue, saturation, value = hsv.split(1, dim=1)
    sector = (torch.tensor([5.0, 3.0, 1.0], dtype=hsv.dtype) + 6 * hue) % 6
    rgb: Tensor = value * (1 - saturation * torch.minimum(sector, 4 - sector).clamp(0, 1))
    return rgb
