"""Sampling whose gradient comes from a plane through some points around each."""

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.errors import UsageError
from distaff.nets.samplers.bilinear import Grid, bilinear_sample
from distaff.types import Images

RIDGE = 1e-6


def linearized_sample(
    images: Images, grid: Grid, spread: float, generator: torch.Generator, *, points: int = 8
) -> Float[Tensor, "batch channel out_height out_width"]:
    """Returns what `bilinear_sample` returns, with gradients that look further than one pixel.

    Around each point of the grid others are drawn, and a plane is laid through what is read at all
    of them by least squares; the gradient in the point is the slope of that plane. It costs as many
    readings as points.

    Args:
        images: [batch, channel, height, width].
        grid: [batch, out height, out width, 2]; gradients reach it, and not the pictures.
        spread: standard deviation of the points around each, in units of the grid.
        generator: draws them.
        points: how many, 2 at least.

    Raises:
        UsageError: a spread that is not above 0, or too few points.

    Reference: Jiang, Sun, Tagliasacchi, Trulls, Yi 2019, "Linearized multi-sampling for
    differentiable image transformation", equations 5 to 8.
    """
    if not spread > 0 or points < 2:
        raise UsageError(f"spread is {spread} and points {points}; give above 0, and 2 or more.")
    with torch.no_grad():
        shape = (points, *grid.shape)
        away = spread * torch.randn(shape, generator=generator, dtype=grid.dtype)
        away = away.to(grid.device)
        values = torch.stack([bilinear_sample(images, grid + offset) for offset in away])
        middle = bilinear_sample(images, grid)
        # slopes (p, q) of v = p dx + q dy through the value in the middle: 2 x 2 normal equations
        dx, dy = away.unbind(dim=-1)
        rise = values - middle
        xx, xy, yy = (dx * dx).sum(0), (dx * dy).sum(0), (dy * dy).sum(0)
        xv, yv = ((part[:, :, None] * rise).sum(0) for part in (dx, dy))
        xx, yy = xx + RIDGE * spread**2, yy + RIDGE * spread**2
        determinant = (xx * yy - xy * xy)[:, None]
        slope_x = (yy[:, None] * xv - xy[:, None] * yv) / determinant
        slope_y = (xx[:, None] * yv - xy[:, None] * xv) / determinant
    # the value of the middle, and the gradient of the plane
    moved = grid - grid.detach()
    read: Tensor = middle + slope_x * moved[..., 0][:, None] + slope_y * moved[..., 1][:, None]
    return read
