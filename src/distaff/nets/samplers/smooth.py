"""Sampling of a smoothed picture, whose gradient reaches as far as it is smooth."""

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.errors import UsageError
from distaff.nets.samplers.bilinear import Grid, bilinear_sample
from distaff.types import Images

SMALLEST = 0.02
"""Pixels below which nothing is smoothed: exp(-1 / 2 x 0.02^2) is 0 in float64 as well."""
Sigma = float | Float[Tensor, " batch"]


def smooth_sample(
    images: Images, grid: Grid, sigma: Sigma
) -> Float[Tensor, "batch channel out_height out_width"]:
    """Returns pictures, smoothed by a Gaussian, read at the points of a grid.

    Below 0.02 pixels this is `bilinear_sample`, exactly. The gradient in a point is that of the
    smoothed picture, so that sprites find each other from as far as sigma reaches: for two blobs of
    width s at distance d the mean squared difference goes as 1 - exp(-d^2 / 4 (sigma^2 + s^2)),
    steepest at d = sqrt(2 (sigma^2 + s^2)). Smoothing takes as many products for each pixel of the
    picture as its two sides are long, whatever sigma is and however many points are read.

    Args:
        images: [batch, channel, height, width].
        grid: [batch, out height, out width, 2].
        sigma: standard deviation in pixels, one for all or one for each picture; 0 or more.

    Raises:
        UsageError: sigma is negative or not finite.

    Reference: "Rendering images with latent semi-supervision", assignment of the course CS 699 of
    the University of Southern California, task 4.
    """
    return bilinear_sample(gaussian_blur(images, sigma), grid)


def gaussian_blur(images: Images, sigma: Sigma) -> Images:
    """Returns pictures smoothed along both sides; differentiable in pictures and sigma.

    A pixel takes the mean of those around it that there are, weighed by a Gaussian, so that a
    picture of one brightness keeps it up to its border.

    Args:
        images: [batch, channel, height, width].
        sigma: standard deviation in pixels, one for all or one for each picture; 0 or more.

    Raises:
        UsageError: sigma is negative or not finite.
    """
    widths = torch.as_tensor(sigma, dtype=images.dtype, device=images.device)
    if not bool(((widths >= 0) & widths.isfinite()).all()):
        raise UsageError(f"sigma is {sigma}; give numbers from 0 on, in pixels.")
    down, across = (_weights(side, widths.reshape(-1, 1, 1, 1)) for side in images.shape[2:])
    blurred: Images = down @ images @ across.mT
    return blurred


def _weights(side: int, sigma: Float[Tensor, "batch 1 1 1"]) -> Float[Tensor, "batch 1 side side"]:
    """How much of each pixel of a line goes into each; a matrix product is faster than a loop."""
    place = torch.arange(side, dtype=sigma.dtype, device=sigma.device)
    # at sigma 0 the exponent stays finite, with its gradient, and every pixel keeps itself alone
    apart = (place[:, None] - place) / sigma.clamp(min=SMALLEST)
    return (-0.5 * apart.square()).softmax(dim=-1)


def annealed(step: int, steps: int, first: float, last: float) -> float:
    """Returns sigma at a step of so many, falling from first to last by equal factors."""
    share = min(1.0, step / max(1, steps - 1))
    return float(first * (last / first) ** share)
