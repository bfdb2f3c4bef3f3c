r"""How sure it is that a latent tells something of a factor.

An estimate of information is never exactly 0, and a score that divides one by the sum of all, or
counts the latents that tell anything, would be led by errors of estimation. So each estimate I is
weighed by

    w = Phi(t - 6),    t = max(t_groups, t_estimate),

with Phi the normal distribution function: the probability that another sample, whose statistic
scatters around t by its standard deviation of 1, lies more than six standard deviations above
what independence gives. w is smooth in I and in n; it tends to 0 for noise and to 1, as n grows,
for any information.

t_groups is Pearson's chi-squared of the latent and the factor in five groups each, which sees a
weak trend, made normal by Wilson & Hilferty's cube root (1931, PNAS 17(12)). t_estimate is the
estimate itself in standard deviations of what independence gives, which sees what hides within a
group: 2 n I + df made normal in the same way for a table of counts, and sqrt(n) I / 0.8 for
nearest neighbours, which scatter by 0.8 / sqrt(n) nats at most.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

SURE = 6.0
"""Standard deviations above what independence gives where an estimate counts one half."""
SCATTER = 0.8
"""Times 1 / sqrt(n) nats: the standard deviation of an estimate from nearest neighbours of
independent variables, at most."""


def weight(
    deviations: Float[np.ndarray, "latent factor"],
) -> Float[np.ndarray, "latent factor"]:
    """Returns Phi(t - 6), from 0 to 1."""
    return np.asarray(ndtr(deviations - SURE))


def deviation_of_groups(counts: Int[np.ndarray, "first second"], rows: int) -> float:
    """Returns t of Pearson's chi-squared of a table of counts.

    Args:
        counts: without empty rows and columns.
        rows: number of rows to which what the counts say is scaled up.
    """
    total, freedom = counts.sum(), _freedom(counts)
    expected = counts.sum(axis=1, keepdims=True) * (counts.sum(axis=0) / total)
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    return as_normal(float(freedom + (chi_squared - freedom) * rows / total), freedom)


def deviation_of_counts(
    information: float, counts: Int[np.ndarray, "first second"], rows: int
) -> float:
    """Returns t of an estimate of information, in nats, from a table of counts, as above."""
    freedom = _freedom(counts)
    return as_normal(2 * rows * information + freedom, freedom)


def deviation_of_neighbours(information: float, rows: int) -> float:
    """Returns t of an estimate of information, in nats, from nearest neighbours."""
    return float(information * np.sqrt(rows) / SCATTER)


def _freedom(counts: Int[np.ndarray, "first second"]) -> int:
    return int((counts.shape[0] - 1) * (counts.shape[1] - 1))


def as_normal(chi_squared: float, freedom: int) -> float:
    """Returns a chi-squared of so many degrees of freedom as a standard normal number."""
    variance = 2 / (9 * freedom)
    root = np.cbrt(max(chi_squared, 0.0) / freedom)
    return float((root - (1 - variance)) / np.sqrt(variance))
