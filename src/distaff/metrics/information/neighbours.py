r"""Mutual information from nearest neighbours, without bins.

For a continuous variable x and a discrete one v the estimator of Ross 2014 ("Mutual information
between discrete and continuous data sets", PLoS ONE 9(2)), here with k = 3:

    I(x; v) = psi(n) + <psi(k)> - <psi(n_v)> - <psi(m)>,

where n_v is the number of rows with the same value of v, and m the number of rows, of any value,
nearer than the k-th nearest one of the same value, the row itself among them. A value of v with no
more than k rows takes all its other rows as neighbours; one that occurs once says nothing of its
own spread and is left out, as scikit-learn does.

For two continuous variables the first estimator of Kraskov, Stögbauer, Grassberger 2004
("Estimating mutual information", Physical Review E 69, equation 8), also with k = 3:

    I(x; y) = psi(n) + psi(k) - <psi(m_x) + psi(m_y)>,

where m_x and m_y are the numbers of rows nearer in x, or in y, than the k-th nearest row is in the
plane by its larger distance, the row itself among them. For equal variables it is
psi(n) - psi(k), the most that it can find.

Both scatter around the truth, also below 0 where there is no information.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from scipy.special import digamma

from distaff.arrays import Array

NEIGHBOURS = 3


def digamma_entropy(counts: Int[np.ndarray, " value"]) -> float:
    """Returns psi(n) - <psi(n_v)>, in nats, from the number of rows of each value.

    An estimate of the entropy with less bias than that of the frequencies.
    """
    counts = counts[counts > 0]
    return float(digamma(counts.sum()) - (counts * digamma(counts)).sum() / counts.sum())


def ross(ascending: Float[np.ndarray, " sample"], factor: Int[np.ndarray, " sample"]) -> float:
    """Returns the information, in nats, of a continuous variable and a discrete one.

    Args:
        ascending: the continuous variable, in order, without equal values.
        factor: the discrete one in the same rows, as numbers from 0 on.
    """
    x, sizes = ascending, np.bincount(factor)
    if (sizes == 1).any():
        kept = sizes[factor] > 1
        x, factor = x[kept], factor[kept]
        sizes[sizes == 1] = 0
    # numbers of two bytes are sorted in linear time
    short = factor.astype(np.uint16) if len(sizes) < 2**16 else factor
    place = np.argsort(short, kind="stable")
    sizes = sizes[sizes > 0]
    if not sizes.size:
        return 0.0
    neighbour = place[_furthest_of_nearest(x[place], sizes)]
    # the row as far away on the other side ends the interval in which rows are nearer
    mirror = np.searchsorted(x, 2 * x[place] - x[neighbour])
    nearer = np.where(neighbour > place, neighbour - mirror, mirror - neighbour - 1)
    nearer = np.maximum(nearer, 1)  # 0 where rounding left two values equal
    neighbours = (sizes * digamma(np.minimum(NEIGHBOURS, sizes - 1))).sum() / len(x)
    return float(digamma_entropy(sizes) + neighbours - _mean_digamma(nearer))


def kraskov(first: Float[np.ndarray, " sample"], second: Float[np.ndarray, " sample"]) -> float:
    """Returns the information, in nats, of two continuous variables without equal values."""
    points = np.stack([first, second], axis=1)
    distances, _ = cKDTree(points).query(points, k=NEIGHBOURS + 1, p=np.inf)
    # the k-th neighbour itself lies at this distance in one of the two and is not nearer
    distance = np.asarray(distances)[:, -1] * (1 - 1e-10)
    found = digamma(len(points)) + digamma(NEIGHBOURS)
    return float(found - sum(_mean_digamma(_within(x, distance)) for x in (first, second)))


def _within(x: Array, distance: Array) -> Array:
    ascending = np.sort(x)
    end = np.searchsorted(ascending, x + distance, side="right")
    return np.asarray(np.maximum(end - np.searchsorted(ascending, x - distance), 1))


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
