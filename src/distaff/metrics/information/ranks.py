"""Ranks and normal scores of the latents, which no monotone change of a latent alters much.

A score that reads a latent through its ranks does not depend on its scale, shift or sign, and one
outlier costs it one rank. Plain ranks have a flaw: equal values share one, while values that differ
by 1e-9 are spread as widely as those of a continuous latent, so that a trace of noise on a code of
few values changes everything. The ranks here take close values for nearly equal.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtri

from distaff.arrays import Array

CLOSE = 0.01
"""Share of the width of a column within which two values begin to share a rank."""
WIDEST_TAILS = 50
"""Times its middle half that the middle 98 % of a column may be wide before tails set the scale."""
TIED = 0.1 * CLOSE
"""Share of the width of a column within which values are one value plus noise."""


def normal_scores(
    columns: Float[np.ndarray, "sample column"],
) -> Float[np.ndarray, "sample column"]:
    """Returns the normal quantiles of the smoothed ranks of each column.

    A column and its negative have the same scores, to the last bit.
    """
    return ndtri(smoothed_ranks(columns) / (len(columns) + 1))


def smoothed_ranks(
    columns: Float[np.ndarray, "sample column"],
) -> Float[np.ndarray, "sample column"]:
    """Returns the ranks 1 to n of each column, in which values close to each other share a rank.

    The rank of x is 1/2 + the sum over the rows of K((x - x_row) / h), where K rises in a straight
    line from 0 at -1 to 1 at 1. With h towards 0 it is the mean rank, that of
    `scipy.stats.rankdata`; here h is `CLOSE` of the width of the column, the range of its middle
    half, or a fiftieth of that of its middle 98 % if that is more.

    Each column is turned so that its first row off the median lies above it: a column and its
    negative have the same ranks, to the last bit.
    """
    ranks = np.empty(columns.shape)
    for index, column in enumerate(columns.T):
        ranks[:, index] = _smoothed(_turned(column))
    return ranks


def tied_values(column: Float[np.ndarray, " sample"]) -> Int[np.ndarray, " sample"] | None:
    """Returns the index of the value of each row, where close rows have the same value.

    The order of the values is that of the column turned as above.

    The values are groups of rows no wider than `TIED` of the width of the column, with gaps wider
    than that between them. None, where the rows do not fall into such groups: a continuous column
    of many rows.
    """
    turned = _turned(column)
    order = np.argsort(turned)
    ascending = turned[order]
    reach = TIED * _width(ascending)
    begins = np.diff(ascending) > reach
    first = np.r_[0, np.flatnonzero(begins) + 1]
    last = np.r_[first[1:], len(column)] - 1
    if (ascending[last] - ascending[first] > reach).any():
        return None
    index = np.empty(len(column), dtype=np.int64)
    index[order] = np.r_[0, np.cumsum(begins)]
    return index


def _turned(column: Array) -> Array:
    """The column minus its median, with the sign that makes its first row off 0 positive.

    A power of two brings it to the order of 1, which changes no digit: sums of huge values would
    overflow.
    """
    scaled = np.ldexp(column, -int(np.frexp(np.abs(column).max())[1]))
    centred = scaled - np.median(scaled)
    return np.asarray(centred * (-1 if centred[(centred != 0).argmax()] < 0 else 1))


def _smoothed(column: Array) -> Array:
    order = np.argsort(column)
    ascending = column[order]
    reach = CLOSE * _width(ascending)
    if reach == 0:
        return np.full(len(column), (len(column) + 1) / 2)
    # sorted queries are found several times as fast
    below = np.searchsorted(ascending, ascending - reach, side="left")
    near = np.searchsorted(ascending, ascending + reach, side="right") - below
    total = np.concatenate([[0.0], np.cumsum(ascending)])
    # each near row counts (x + h - row) / 2h
    sums = near * (ascending + reach) - (total[below + near] - total[below])
    ranks = np.empty(len(column))
    ranks[order] = below + sums / (2 * reach) + 0.5
    return ranks


def _width(ascending: Array) -> float:
    lowest, low, high, highest = np.quantile(ascending, [0.01, 0.25, 0.75, 0.99])
    width = max(high - low, (highest - lowest) / WIDEST_TAILS)
    return float(width or ascending[-1] - ascending[0])
