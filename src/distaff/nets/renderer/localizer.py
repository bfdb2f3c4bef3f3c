"""The module that finds an object: separable filters, no parameters."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.types import Images


class Located(NamedTuple):
    """Where the bright part of each picture lies, each [batch]."""

    area: Float[Tensor, " batch"]
    """Sum of the pixels, in pixels."""
    x: Float[Tensor, " batch"]
    """Centroid, pixels from the left side."""
    y: Float[Tensor, " batch"]
    """Centroid, pixels from the top."""


def localize(images: Images) -> Located:
    """Returns area and centroid of the bright part of each picture.

    Both are sums along rows and columns, hence separable, and differentiable in the pixels. A box
    around an object grows by up to the root of 2 as it turns; its area does not.

    Args:
        images: [batch, channel, height, width] in [0, 1], an object on black; channels are
            averaged.

    Returns:
        Of a black picture the area 0 and the middle.
    """
    grey = images.mean(dim=1)
    height, width = grey.shape[1:]
    columns, rows = grey.sum(dim=1), grey.sum(dim=2)
    area = rows.sum(dim=1)
    # an empty picture weighs nothing and is said to be in the middle
    weight = area.clamp(min=1e-6)
    right = torch.arange(width, device=grey.device, dtype=grey.dtype) + (0.5 - width / 2)
    down = torch.arange(height, device=grey.device, dtype=grey.dtype) + (0.5 - height / 2)
    return Located(area, width / 2 + columns @ right / weight, height / 2 + rows @ down / weight)
