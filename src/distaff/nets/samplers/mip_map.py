"""Sampling of a picture from a pyramid of smaller ones."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from distaff.errors import UsageError
from distaff.nets.samplers.bilinear import Grid, bilinear_sample
from distaff.types import Images


def mip_map_sample(
    images: Images, grid: Grid, level: float
) -> Float[Tensor, "batch channel out_height out_width"]:
    """Returns pictures, halved so many times, read at the points of a grid.

    Between two levels both are read and mixed, so that it is continuous in the level. At level k
    each pixel is the mean of 2^k x 2^k pixels; the pictures are seen in squares, not smoothly, but
    a pyramid of all levels takes only a third more memory than the picture.

    Args:
        images: [batch, channel, height, width].
        grid: [batch, out height, out width, 2].
        level: how often the picture is halved, from 0 on; levels of less than a pixel are not read.

    Raises:
        UsageError: the level is negative or not finite.

    Reference: Williams 1983, "Pyramidal parametrics".
    """
    if not (0 <= level < math.inf):
        raise UsageError(f"level is {level}; give a number from 0 on.")
    most = int(math.log2(min(images.shape[2:])))
    lower = min(int(level), most)
    share = min(level - lower, 1.0) if lower < most else 0.0
    below = bilinear_sample(_halved(images, lower), grid)
    if share == 0:
        return below
    return torch.lerp(below, bilinear_sample(_halved(images, lower + 1), grid), share)


def _halved(images: Images, times: int) -> Float[Tensor, "batch channel rows columns"]:
    halved: Tensor = images
    for _ in range(times):
        halved = functional.avg_pool2d(halved, 2, ceil_mode=True, count_include_pad=False)
    return halved
