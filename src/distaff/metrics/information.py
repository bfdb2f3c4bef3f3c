r"""Mutual information between latents and factors, which several scores read.

The estimator is that of Ross 2014 ("Mutual information between discrete and continuous data
sets", PLoS ONE 9(2)) for a continuous variable z and a discrete one v, here with k = 3:

    I(z; v) = psi(n) + <psi(k)> - <psi(n_v)> - <psi(m)>,

where n_v is the number of rows with the same value of v, and m the number of rows, of any value,
nearer than the k-th nearest one of the same value, the row itself among them. It needs no bins, so
a factor of many values is not cut short, and it is 0 on average for a latent that tells nothing.
A value of v with no more than k rows takes all its other rows as neighbours; one that occurs once
says nothing of its own spread and is left out, as scikit-learn does.

Each latent is first replaced by its normal scores (see `metrics/ranks.py`), so that no monotone
change of a latent (scale, shift, sign, a cube, one outlier) alters much. Rows with equal values of
a latent are told apart by noise far below the distance of two ranks, which makes a latent of few
values a continuous one with the same information.

A factor is discrete, ordinal or continuous. Information asks only which values are equal, so an
ordinal factor is treated as a discrete one. A continuous factor is cut into sqrt(n) cells of equal
frequency and is then discrete too: one estimator serves all, and the information has an upper
bound, the entropy of the cells, which that of two continuous variables has not.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int
from scipy.special import digamma

from distaff.metrics.randomness import stream
from distaff.metrics.ranks import normal_scores, smoothed_ranks
from distaff.score import Array

NEIGHBOURS = 3
KINDS = ("discrete", "ordinal", "continuous")


def discretized(factors: Array, factor_kinds: Sequence[str] | None) -> Array:
    """Returns the factors with each continuous one as the index of its cell.

    Args:
        factors: [sample, factor].
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; None: all discrete.

    Raises:
        ValueError: an unknown kind, not one for each factor, or a continuous factor with NaN.
    """
    factors = np.asarray(factors)
    if factor_kinds is None or factors.ndim != 2:
        return factors
    if len(factor_kinds) != factors.shape[1] or not set(factor_kinds) <= set(KINDS):
        raise ValueError(
            f"factor_kinds are {list(factor_kinds)}; give one of {', '.join(KINDS)} for each of "
            f"the {factors.shape[1]} factors"
        )
    result = factors.astype(np.float64)
    continuous = np.array(factor_kinds) == "continuous"
    if not np.isfinite(result[:, continuous]).all():
        raise ValueError("a continuous factor has values that are NaN or infinite; remove the rows")
    result[:, continuous] = cells(result[:, continuous], most_cells(len(factors)))
    return result


def mutual_information(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    *,
    seed: int = 0,
) -> Float[np.ndarray, "latent factor"]:
    """Returns the mutual information of each latent with each factor, in nats, at least 0.

    A latent of one value has none.

    Args:
        codes: continuous or discrete latents.
        factors: discrete factors, as whole numbers.
        seed: of the noise that tells equal values apart.
    """
    return information_of_scores(normal_scores(codes), factors, seed=seed)


def information_of_scores(
    scores: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    *,
    seed: int,
) -> Float[np.ndarray, "latent factor"]:
    """Returns the same of some rows of `normal_scores`, which need not be ranked again."""
    # two ranks are at least sqrt(2 pi) / n apart; the same noise for each latent, so that their
    # order does not matter
    noise = stream(seed, "ties").uniform(-0.1, 0.1, size=len(scores)) / len(scores)
    values = [np.unique(factor, return_inverse=True)[1] for factor in factors.T]
    # numbers of two bytes are sorted in linear time
    short = [v.astype(np.uint16) if v.max() < 2**16 else v for v in values]
    result = np.zeros((scores.shape[1], factors.shape[1]))
    for latent, score in enumerate(scores.T):
        if np.ptp(score) > 0:
            x = score + noise
            order = np.argsort(x)
            result[latent] = [_ross(x[order], factor[order]) for factor in short]
    return result


def self_information(factors: Int[np.ndarray, "sample factor"]) -> Float[np.ndarray, " factor"]:
    """Returns the information of each factor about itself, in nats, by the same estimator.

    psi(n) - <psi(n_v)>, the most that `mutual_information` can find, and an estimate of the
    entropy with less bias than the frequencies give.
    """
    result = np.zeros(factors.shape[1])
    for index, factor in enumerate(factors.T):
        size = np.unique(factor, return_counts=True)[1]
        size = size[size > 1]
        if size.size:
            result[index] = _digamma_entropy(size)
    return result


def information_of_cells(
    table: Int[np.ndarray, "sample latent"],
) -> tuple[Float[np.ndarray, "latent latent"], Float[np.ndarray, " latent"]]:
    """Returns the mutual information of each two columns, and the entropy of each, in nats.

    Entropies are psi(n) - <psi(n_c)> over the rows n_c of a cell, so that the information of
    independent columns is 0 on average (Miller and Madow's correction, to first order in 1/n).
    """
    sizes = table.max(axis=0) + 1
    marginal = np.array([_digamma_entropy(np.bincount(column)) for column in table.T])
    information = np.diag(marginal)
    for first, second in combinations(range(len(sizes)), 2):
        joint = np.bincount(table[:, first] * sizes[second] + table[:, second])
        shared = marginal[first] + marginal[second] - _digamma_entropy(joint)
        information[first, second] = information[second, first] = max(0.0, shared)
    return information, marginal


def _digamma_entropy(counts: Array) -> float:
    counts = counts[counts > 0]
    return float(digamma(counts.sum()) - (counts * digamma(counts)).sum() / counts.sum())


def entropy(factors: Int[np.ndarray, "sample factor"]) -> Float[np.ndarray, " factor"]:
    """Returns the entropy of each factor in nats, from the frequency of its values."""
    result = []
    for factor in factors.T:
        frequency = np.unique(factor, return_counts=True)[1] / len(factor)
        result.append(-(frequency * np.log(frequency)).sum())
    return np.array(result)


def most_cells(count: int) -> int:
    """Returns into how many cells a continuous variable of `count` rows is cut: their root."""
    return int(np.sqrt(count))


def cells(
    columns: Float[np.ndarray, "sample column"], number: int
) -> Int[np.ndarray, "sample column"]:
    """Returns the index of the cell of each value: `number` cells of equal frequency.

    A column with no more distinct values than that keeps each as its own cell.
    """
    ranks = smoothed_ranks(columns)
    result = ((ranks - 0.5) * number // len(ranks)).astype(np.int64)
    for index, column in enumerate(ranks.T):
        values, inverse = np.unique(column, return_inverse=True)
        if len(values) <= number:
            result[:, index] = inverse
    return result


def _ross(x: Array, factor: Array) -> float:
    """Information of an ascending latent about the value of a factor in each row."""
    sizes = np.bincount(factor)
    if (sizes == 1).any():
        kept = sizes[factor] > 1
        x, factor = x[kept], factor[kept]
        sizes[sizes == 1] = 0
    sizes = sizes[sizes > 0]
    if not sizes.size:
        return 0.0
    place = np.argsort(factor, kind="stable")
    neighbour = place[_furthest_of_nearest(x[place], sizes)]
    # the row as far away on the other side ends the interval in which rows are nearer
    mirror = np.searchsorted(x, 2 * x[place] - x[neighbour])
    nearer = np.where(neighbour > place, neighbour - mirror, mirror - neighbour - 1)
    nearer = np.maximum(nearer, 1)  # 0 where the noise itself left two values equal
    neighbours = (sizes * digamma(np.minimum(NEIGHBOURS, sizes - 1))).sum() / len(x)
    return max(0.0, float(_digamma_entropy(sizes) + neighbours - _mean_digamma(nearer)))


def _mean_digamma(numbers: Array) -> float:
    """<psi> of whole numbers, of which many are equal."""
    times = np.bincount(numbers)
    met = np.flatnonzero(times)
    return float((times[met] * digamma(met)).sum() / len(numbers))


def _furthest_of_nearest(x: Array, sizes: Array) -> Array:
    """Index of the k-th nearest neighbour of each point among those of its own run.

    Args:
        x: runs of points, each ascending.
        sizes: the length of each run; in one of k points or fewer, the furthest is taken.

    The k nearest points and the point itself are k + 1 neighbours in the order, of which the
    point is one: the best of k + 1 windows.
    """
    run = np.repeat(np.arange(len(sizes)), sizes)
    end = np.cumsum(sizes)[run]
    begin = end - sizes[run]
    # right in runs of k points or fewer: the further end
    furthest = np.where(x - x[begin] > x[end - 1] - x, begin, end - 1)
    reach = np.full(len(x), np.inf)
    lowest, highest = x[:-NEIGHBOURS], x[NEIGHBOURS:]
    whole = run[:-NEIGHBOURS] == run[NEIGHBOURS:]
    for below in range(NEIGHBOURS + 1):
        point = slice(below, below + len(whole))
        down, up = x[point] - lowest, highest - x[point]
        distance = np.maximum(down, up)
        better = np.flatnonzero(whole & (distance < reach[point]))
        reach[point][better] = distance[better]
        furthest[point][better] = better + np.where(up > down, NEIGHBOURS, 0)[better]
    return furthest
