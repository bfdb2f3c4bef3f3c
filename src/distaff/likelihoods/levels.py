r"""The 256 grey levels of a stored pixel, the one scale on which all likelihoods compare.

A pixel x = l/255 stands for the values from (l - 1/2)/255 to (l + 1/2)/255. A density gives the
level the mass of that cell; the first and the last level take what the density has beyond the
cell, or only half a cell where the density ends at 0 and 1.
"""

import math

import torch
from jaxtyping import Float
from numpy.polynomial.legendre import leggauss
from torch import Tensor

from distaff.types import Images

LEVELS = 256
LAST_LEVEL = LEVELS - 1
HALF_LEVEL = 0.5 / LAST_LEVEL
"""Half the distance between two grey levels, in units of the full range of grey."""


def level_of(images: Images) -> Images:
    """Returns the grey level nearest to each pixel, 0 to 255, as a floating-point number."""
    return (images * LAST_LEVEL).round().clamp(0, LAST_LEVEL)


def by_level(images: Images, first: Tensor, between: Tensor, last: Tensor) -> Images:
    """Returns `first` where a pixel is at level 0, `last` at 255 and `between` at all others."""
    level = level_of(images)
    return torch.where(level == 0, first, torch.where(level == LAST_LEVEL, last, between))


def log_sinhc(value: Tensor) -> Tensor:
    r"""Returns log(sinh(t)/t), the log of the mean of exp(t s) over s in [-1, 1].

    Nothing overflows, and near 0, where value and gradient are a difference of near numbers, the
    Taylor series t^2/6 - t^4/180 + t^6/2835 - t^8/37800 + t^10/467775 stands in.
    """
    size = value.abs()
    square = size.clamp(max=_TAYLOR_BELOW).square()
    coefficients = (1 / 467775, -1 / 37800, 1 / 2835, -1 / 180, 1 / 6, 0.0)
    series = torch.zeros_like(square)
    for coefficient in coefficients:
        series = series * square + coefficient
    far = size.clamp(min=_TAYLOR_BELOW)
    exact = far + torch.log(-torch.expm1(-2 * far)) - torch.log(2 * far)
    return torch.where(size < _TAYLOR_BELOW, series, exact)


def log1mexp(value: Tensor) -> Tensor:
    """Returns log(1 - exp(-value)) of positive values."""
    return torch.log(-torch.expm1(-value))


def gauss_legendre(
    count: int, like: Tensor
) -> tuple[Float[Tensor, " node"], Float[Tensor, " node"]]:
    """Returns nodes in [-1, 1] and the logs of weights that sum to 1, of the kind of `like`."""
    nodes, weights = leggauss(count)
    log_weights = [math.log(weight / 2) for weight in weights]
    return like.new_tensor(nodes), like.new_tensor(log_weights)


_TAYLOR_BELOW = 0.3
"""Where the first term that the series leaves out is 1e-11 of the value."""
