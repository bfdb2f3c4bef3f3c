r"""Mutual information between latents and factors, which several scores read.

The estimator is that of Ross 2014 ("Mutual information between discrete and continuous data
sets", PLoS ONE 9(2)) for a continuous variable z and a discrete one v:

    I(z; v) = psi(n) + <psi(k)> - <psi(n_v)> - <psi(m)>,

where n_v is the number of rows with the same value of v, and m the number of rows, of any value,
nearer than the k-th nearest one of the same value. It needs no bins, so a factor of many values is
not cut short, and no constant to correct its bias.

Each latent is first replaced by its normal scores, the normal quantiles of its ranks, so that no
monotone change of a latent (scale, shift, a cube, one outlier) alters anything. Rows with equal
values of a latent share a score and are told apart by noise far below the distance of two ranks.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import digamma, ndtri
from scipy.stats import rankdata

from distaff.score import Array

NEIGHBOURS = 3


def mutual_information(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    *,
    seed: int = 0,
) -> Float[np.ndarray, "latent factor"]:
    """Returns the mutual information of each latent with each factor, in nats, at least 0.

    Args:
        codes: continuous or discrete latents.
        factors: discrete factors, as whole numbers.
        seed: of the noise that tells equal values apart.
    """
    scores = normal_scores(codes, seed=seed)
    ascending = [np.sort(column) for column in scores.T]
    return np.array(
        [
            [_ross(column, ordered, factor) for factor in factors.T]
            for column, ordered in zip(scores.T, ascending, strict=True)
        ]
    )


def normal_scores(
    codes: Float[np.ndarray, "sample latent"], *, seed: int
) -> Float[np.ndarray, "sample latent"]:
    """Returns the normal quantiles of the ranks of each latent, equal values told apart."""
    count = len(codes)
    ranks = rankdata(codes, axis=0)
    # two ranks are at least sqrt(2 pi) / n apart, a thousand times this
    noise = np.random.default_rng(seed).uniform(-1e-3 / count, 1e-3 / count, size=count)
    tied = ranks != np.round(ranks)
    tied |= (np.sort(ranks, axis=0)[1:] == np.sort(ranks, axis=0)[:-1]).any(axis=0)
    return ndtri(ranks / (count + 1)) + np.where(tied, noise[:, None], 0.0)


def entropy(factors: Int[np.ndarray, "sample factor"]) -> Float[np.ndarray, " factor"]:
    """Returns the entropy of each factor in nats, from the frequency of its values."""
    result = []
    for factor in factors.T:
        frequency = np.unique(factor, return_counts=True)[1] / len(factor)
        result.append(-(frequency * np.log(frequency)).sum())
    return np.array(result)


def _ross(column: Array, ascending: Array, factor: Array) -> float:
    order = np.lexsort((column, factor))
    value, x = factor[order], column[order]
    starts = np.flatnonzero(np.r_[True, value[1:] != value[:-1]])
    sizes = np.diff(np.r_[starts, len(x)])
    size, start = np.repeat(sizes, sizes), np.repeat(starts, sizes)
    alone = size == 1
    if alone.all():
        return 0.0
    neighbours = np.minimum(NEIGHBOURS, size - 1)
    radius = _distance_to_neighbour(x, start, start + size, neighbours)[~alone]
    x, size, neighbours = x[~alone], size[~alone], neighbours[~alone]
    # below the distance by more than the rounding error of a sum, so that the neighbour itself
    # stays outside
    radius = radius - 8 * np.finfo(float).eps * (1 + np.abs(x))
    nearer = np.searchsorted(ascending, x + radius, "right") - np.searchsorted(
        ascending, x - radius, "left"
    )
    information = (
        digamma(len(ascending) - alone.sum())
        + digamma(neighbours).mean()
        - digamma(size).mean()
        - digamma(np.maximum(nearer, 1)).mean()
    )
    return max(0.0, float(information))


def _distance_to_neighbour(x: Array, start: Array, end: Array, neighbours: Array) -> Array:
    """Distance of each point of sorted runs to its k-th nearest point of the same run.

    The k nearest points and the point itself are k + 1 neighbours in the order, of which the
    point is one: the best of k + 1 windows.
    """
    place = np.arange(len(x))
    best = np.full(len(x), np.inf)
    for below in range(NEIGHBOURS + 1):
        first, last = place - below, place - below + neighbours
        inside = (first >= start) & (last < end) & (below <= neighbours)
        reach = np.maximum(
            x - x[np.where(inside, first, place)], x[np.where(inside, last, place)] - x
        )
        best = np.where(inside, np.minimum(best, reach), best)
    return best
