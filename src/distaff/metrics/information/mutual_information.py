r"""Mutual information between latents and factors, which several scores read.

A pair of columns is estimated by what it is (see `metrics/information/columns.py` for discrete and
continuous):

- both discrete, and five rows expected of each pair of values: H(z) + H(v) - H(z, v) with
  H = psi(n) - <psi(n_v)> over the rows n_v of a value, which corrects the bias of the frequencies
  (Miller and Madow, to first order in 1 / n) and scatters less than nearest neighbours do;
- both discrete with fewer rows, or one of them continuous: Ross 2014;
- both continuous: Kraskov, Stögbauer, Grassberger 2004.

The last two are in `metrics/information/neighbours.py` and read normal scores, so that no monotone
change of a column (scale, shift, sign, a cube, one outlier) alters much. Rows of equal value are
told apart by noise far below the distance of two ranks where an estimator needs it. There are no
bins, so a factor of many values is not cut short, and no number that grows with n.

Of variables that are independent each estimate is as often below 0 as above, and near 0 on average.
What is returned here is cut at 0, which leaves some hundredths of a nat: about 0.3 / sqrt(n). The
scores weigh each estimate by its evidence instead (see `metrics/information/evidence.py`).

A factor is discrete, ordinal or continuous. Information asks only which values are equal, so an
ordinal factor is treated as a discrete one.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.special import digamma
from scipy.stats import rankdata

from distaff.arrays import Array
from distaff.metrics.arrays import numbered
from distaff.metrics.information.columns import Columns, columns_of, groups
from distaff.metrics.information.evidence import (
    deviation_of_counts,
    deviation_of_groups,
    deviation_of_neighbours,
    weight,
)
from distaff.metrics.information.neighbours import digamma_entropy, kraskov, ross
from distaff.metrics.randomness import stream

MOST_CELLS = 20
"""Of a continuous factor where values are told apart; as many as the published codes have."""
KINDS = ("discrete", "ordinal", "continuous")
ROWS_PER_PAIR = 5
"""Rows that each pair of values would have if it came by chance: a rule for chi-squared, and enough
to leave a bias of 0.001 nats at most, E_1(5)."""


def continuous_columns(
    factors: Num[np.ndarray, "sample factor"], factor_kinds: Sequence[str] | None
) -> Bool[np.ndarray, " factor"]:
    """Returns which factors are declared to be continuous.

    Args:
        factors: [sample, factor].
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; None: all discrete.

    Raises:
        ValueError: an unknown kind, not one for each factor, or a continuous factor with NaN.
    """
    if factor_kinds is None:
        return np.zeros(factors.shape[1], dtype=bool)
    if len(factor_kinds) != factors.shape[1] or not set(factor_kinds) <= set(KINDS):
        raise ValueError(
            f"factor_kinds are {list(factor_kinds)}; give one of {', '.join(KINDS)} for each of "
            f"the {factors.shape[1]} factors"
        )
    continuous = np.array(factor_kinds) == "continuous"
    if not np.isfinite(factors[:, continuous]).all():
        raise ValueError("a continuous factor has values that are NaN or infinite; remove the rows")
    return np.asarray(continuous)


def discretized(
    factors: Array, factor_kinds: Sequence[str] | None, *, in_order: bool = False
) -> Array:
    """Returns the factors with each continuous one as whole numbers.

    For scores that can only tell values apart it is the index of a cell. The cells have equal
    frequency, and there are `MOST_CELLS`, or sqrt(n) of fewer than 400 rows: were their number to
    grow with the rows, so would that of the values that a classifier has to tell apart, and no
    score would have a limit. A score that reads the order of the values gets their ranks.

    Args:
        factors: [sample, factor].
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; None: all discrete.
        in_order: ranks in place of cells.

    Raises:
        ValueError: an unknown kind, not one for each factor, or a continuous factor with NaN.
    """
    if factor_kinds is None:
        return factors
    factors = numbered(factors)
    if factors.ndim != 2:
        return factors
    continuous = continuous_columns(factors, factor_kinds)
    result = factors.astype(np.float64)
    given = result[:, continuous]
    if in_order:
        result[:, continuous] = rankdata(given, method="dense", axis=0)
    else:
        result[:, continuous] = cells(given, min(MOST_CELLS, int(np.sqrt(len(factors)))))
    return result


class Estimates(NamedTuple):
    """The information of each latent and factor, and how sure it is to be more than chance."""

    information: Float[np.ndarray, "latent factor"]
    """In nats; errors of estimation can make it less than 0."""
    evidence: Float[np.ndarray, "latent factor"]
    """From 0, where chance explains it, to 1 (see `metrics/information/evidence.py`)."""


def mutual_information(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    *,
    seed: int = 0,
) -> Float[np.ndarray, "latent factor"]:
    """Returns the mutual information of each latent with each factor, in nats, at least 0.

    It is 0 for a latent of one value.

    Args:
        codes: continuous or discrete latents.
        factors: discrete factors, as whole numbers.
        seed: of the noise that tells equal values apart.
    """
    known = columns_of(factors, np.ones(factors.shape[1], dtype=bool))
    return np.asarray(np.maximum(estimates(columns_of(codes), known, seed=seed).information, 0))


def estimates(latents: Columns, factors: Columns, *, seed: int) -> Estimates:
    """Returns what some rows say of each latent and factor.

    The evidence is that of all rows for which the columns were prepared, as far as these tell: half
    of the rows weigh an estimate as the whole does, so that both measure the same score.

    Args:
        latents: the codes, prepared.
        factors: the same rows of the factors, prepared.
        seed: of the noise that tells equal values apart.
    """
    # the same noise for each latent, so that their order does not matter, and another one for the
    # factors, or rows of equal values would seem to agree
    z, v = _side(latents, seed, "ties"), _side(factors, seed, "ties of factors")
    information, deviations = np.zeros((2, z.x.shape[1], v.x.shape[1]))
    for i, j in np.ndindex(*information.shape):
        groups = contingency(latents.coarse[:, i], factors.coarse[:, j])
        if min(groups.shape) < 2:
            continue
        if latents.rarest[i] * factors.rarest[j] >= ROWS_PER_PAIR * latents.rows:
            counts = contingency(latents.values[:, i], factors.values[:, j])
            found = _counted(counts)
            own = deviation_of_counts(found, counts, latents.rows)
        else:
            found = _nearest(z, i, v, j)
            own = deviation_of_neighbours(found, latents.rows)
        information[i, j] = found
        deviations[i, j] = max(own, deviation_of_groups(groups, latents.rows))
    return Estimates(information, weight(deviations))


class _Side(NamedTuple):
    """Columns in which no two rows are equal, and the order of the rows."""

    columns: Columns
    x: Float[np.ndarray, "sample column"]
    order: Int[np.ndarray, "sample column"]


def _side(columns: Columns, seed: int, purpose: str) -> _Side:
    # two ranks are at least sqrt(2 pi) / n apart
    rows = len(columns.ranks)
    noise = stream(seed, purpose).uniform(-0.1, 0.1, size=(rows, 1)) / rows
    return _Side(columns, columns.scores + noise, np.argsort(columns.scores + noise, axis=0))


def _nearest(first: _Side, i: int, second: _Side, j: int) -> float:
    """Information of two columns by nearest neighbours."""
    if second.columns.discrete[j]:
        order = first.order[:, i]
        return ross(first.x[order, i], second.columns.values[order, j])
    if first.columns.discrete[i]:
        return _nearest(second, j, first, i)
    return kraskov(first.x[:, i], second.x[:, j])


def contingency(
    first: Int[np.ndarray, " sample"], second: Int[np.ndarray, " sample"]
) -> Int[np.ndarray, "first second"]:
    """Returns the number of rows with each pair of values that occur."""
    counts = np.bincount(first * (second.max() + 1) + second)
    counts = np.pad(counts, (0, -len(counts) % (second.max() + 1))).reshape(-1, second.max() + 1)
    return np.asarray(counts[counts.any(axis=1)][:, counts.any(axis=0)])


def _counted(counts: Int[np.ndarray, "first second"]) -> float:
    apart = digamma_entropy(counts.sum(axis=1)) + digamma_entropy(counts.sum(axis=0))
    return apart - digamma_entropy(counts.ravel())


def self_information(factors: Num[np.ndarray, "sample factor"]) -> Float[np.ndarray, " factor"]:
    """Returns the information of each factor about itself, in nats, by the same estimator.

    psi(n) - <psi(n_v)>, the most that `mutual_information` can find, and an estimate of the
    entropy with less bias than the frequencies give.
    """
    result = np.zeros(factors.shape[1])
    for index, factor in enumerate(factors.T):
        size = np.unique(factor, return_counts=True)[1]
        size = size[size > 1]
        if size.size:
            result[index] = digamma_entropy(size)
    return result


def information_of_cells(
    table: Int[np.ndarray, "sample latent"],
) -> tuple[Float[np.ndarray, "latent latent"], Float[np.ndarray, " latent"]]:
    """Returns the mutual information of each two columns, and the entropy of each, in nats.

    Entropies are psi(n) - <psi(n_c)> over the rows n_c of a cell, so that the information of
    independent columns is 0 on average (Miller and Madow's correction, to first order in 1/n).
    """
    sizes = table.max(axis=0) + 1
    marginal = np.array([digamma_entropy(np.bincount(column)) for column in table.T])
    information = np.diag(marginal)
    for first, second in combinations(range(len(sizes)), 2):
        joint = np.bincount(table[:, first] * sizes[second] + table[:, second])
        shared = marginal[first] + marginal[second] - digamma_entropy(joint)
        information[first, second] = information[second, first] = max(0.0, shared)
    return information, marginal


def entropy(factors: Int[np.ndarray, "sample factor"]) -> Float[np.ndarray, " factor"]:
    """Returns the entropy of each factor in nats, from the frequency of its values."""
    result = []
    for factor in factors.T:
        frequency = np.unique(factor, return_counts=True)[1] / len(factor)
        result.append(-(frequency * np.log(frequency)).sum())
    return np.array(result)


def resolved_entropy(
    ranks: Float[np.ndarray, "sample column"], *, count: int, cells: int
) -> Float[np.ndarray, " column"]:
    """Returns the entropy of each column in nats, as far as cells of equal frequency resolve it.

    psi(n) - <psi(m)>, where m counts the rows in a cell around each one, those at a distance of d
    ranks as 1 - d / cell. A value with no other one within a cell counts its own rows only, so the
    entropy is that of the values if they are few, and the log of the number of cells, its upper
    bound, if they are many. Cells around each row have no edges, at which a trace of noise would
    split a value.

    Args:
        ranks: smoothed ranks of some rows among all.
        count: number of all rows.
        cells: number of cells.
    """
    cell = count / cells
    result = np.zeros(ranks.shape[1])
    for index, rank in enumerate(ranks.T):
        ascending = np.sort(rank)
        total = np.r_[0.0, np.cumsum(ascending)]
        low, middle, high = (np.searchsorted(ascending, rank + d) for d in (-cell, 0.0, cell))
        distance = (2 * middle - low - high) * rank - 2 * total[middle] + total[low] + total[high]
        near = np.maximum(high - low - distance / cell, 1.0)
        result[index] = digamma(len(rank)) - digamma(near).mean()
    return np.clip(result, 0, np.log(cells))


def cells(
    columns: Float[np.ndarray, "sample column"], number: int
) -> Int[np.ndarray, "sample column"]:
    """Returns the index of the cell of each value: `number` cells of equal frequency.

    A column with no more values than that keeps each as its own cell.
    """
    prepared = columns_of(columns)
    few = prepared.sizes <= number
    return np.where(few, prepared.values, groups(prepared.ranks, number))
