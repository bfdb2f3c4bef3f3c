r"""The probability of a grey level under a normal distribution, exact in the tails.

With c = (x - mean)/std and h half a level divided by std, a level between the ends has the
probability Phi(c + h) - Phi(c - h). By symmetry c >= 0. Where the density hardly changes within the
cell the difference cancels, so it is a Gauss-Legendre sum; elsewhere it is a difference of upper
tails Q(c - h) - Q(c + h) with log Q from the scaled complementary error function, so that a level
a thousand standard deviations away has a finite log probability and gradient.
"""

import math

import torch
from torch import Tensor

from distaff.likelihoods.levels import (
    HALF_LEVEL,
    LAST_LEVEL,
    by_level,
    gauss_legendre,
    level_of,
    log1mexp,
)
from distaff.probability.gaussian import HALF_LOG_TWO_PI
from distaff.types import Images


def log_normal_level(images: Images, mean: Images, std: Images) -> Images:
    """Returns the log probability of each pixel's level under N(mean, std^2).

    Args:
        images: levels divided by 255, [batch, channel, height, width].
        mean: of the same shape.
        std: above 0, of the same shape.
    """
    distance = (level_of(images) / LAST_LEVEL - mean).abs() / std
    first = log_upper_tail((mean - HALF_LEVEL) / std)
    last = log_upper_tail((1 - HALF_LEVEL - mean) / std)
    return by_level(images, first, _log_interval(distance, HALF_LEVEL / std), last)


def log_upper_tail(value: Tensor) -> Tensor:
    """Returns log Q(value), the log probability that a standard normal exceeds `value`."""
    right, left = value.clamp(min=0) / math.sqrt(2), value.clamp(max=0) / math.sqrt(2)
    in_tail = torch.log(torch.special.erfcx(right) / 2) - right.square()
    return torch.where(value > 0, in_tail, torch.log1p(-torch.erfc(-left) / 2))


def _log_interval(centre: Images, half: Images) -> Images:
    """Returns the log of the standard normal mass of [centre - half, centre + half]."""
    lower, upper = log_upper_tail(centre - half), log_upper_tail(centre + half)
    # no smaller where the tails are used; there the clamp only keeps rounding from a log of 0
    steep = lower + log1mexp((lower - upper).clamp(min=0.5))
    flat = (half < 0.5) & (centre * half < 1)
    return torch.where(flat, _log_flat_interval(centre, half), steep)


def _log_flat_interval(centre: Images, half: Images) -> Images:
    nodes, log_weights = gauss_legendre(6, centre)
    offset = half[..., None] * nodes
    change = log_weights - centre[..., None] * offset - 0.5 * offset.square()
    at_centre = -0.5 * centre.square() - HALF_LOG_TWO_PI
    return at_centre + torch.log(2 * half) + change.logsumexp(dim=-1)
