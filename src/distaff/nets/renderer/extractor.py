"""The module that cuts an object out: differentiable crops, no parameters."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from distaff.nets.samplers import bilinear_sample

Planes = Float[Tensor, "batch height width"]


def polar_crop(
    planes: Planes,
    x: Float[Tensor, " batch"],
    y: Float[Tensor, " batch"],
    reach: Float[Tensor, " batch"],
    *,
    radii: int,
    angles: int,
) -> Float[Tensor, "batch radius angle"]:
    """Returns rings around a point of each picture, so that a turn becomes a shift.

    Bilinear, hence differentiable in the pixels, the point and the reach almost everywhere.

    Args:
        planes: pictures of one channel.
        x: pixels from the left side.
        y: pixels from the top.
        reach: radius of the area that is cut into rings of equal width, in pixels.
        radii: number of rings; each is read in its middle.
        angles: points on each ring, counter-clockwise from the right.

    Returns:
        A picture turned counter-clockwise by k of the angles gives the rings shifted by k, but for
        the pixels' grid.
    """
    height, width = planes.shape[1:]
    turn = torch.arange(angles, device=x.device, dtype=x.dtype) * (2 * math.pi / angles)
    share = (torch.arange(radii, device=x.device, dtype=x.dtype) + 0.5) / radii
    radius = (reach[:, None] * share)[:, :, None]
    right = x[:, None, None] + radius * turn.cos()
    down = y[:, None, None] - radius * turn.sin()
    grid = torch.stack([2 * right / width - 1, 2 * down / height - 1], dim=-1)
    crop: Tensor = bilinear_sample(planes[:, None], grid)[:, 0]
    return crop


def window(
    planes: Planes, x: Float[Tensor, " batch"], y: Float[Tensor, " batch"], side: int
) -> tuple[Float[Tensor, "batch side side"], Int[Tensor, " batch"], Int[Tensor, " batch"]]:
    """Returns the square of whole pixels around a point of each picture, black beyond its sides.

    Args:
        planes: pictures of one channel.
        x: pixels from the left side.
        y: pixels from the top.
        side: of the square in pixels.

    Returns:
        The squares, [batch, side, side], and the column and row in which each begins.
    """
    batch, height, width = planes.shape
    left, top = (x - side / 2).round().long(), (y - side / 2).round().long()
    steps = torch.arange(side, device=planes.device)
    columns, rows = left[:, None] + steps, top[:, None] + steps
    seen_columns = (columns >= 0) & (columns < width)
    seen_rows = (rows >= 0) & (rows < height)
    image = torch.arange(batch, device=planes.device)[:, None, None]
    cut = planes[
        image, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]
    ]
    return cut * (seen_rows[:, :, None] & seen_columns[:, None, :]), left, top
