"""What the estimators of information read of latents and factors: ranks and values.

A column is discrete if it is said to be, or has at most sqrt(n) values, and continuous otherwise.
Values that differ by a trace of noise are one value (see `tied_values` in
`metrics/information/ranks.py`), so the noise changes neither the kind of a column nor what is read
of it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.special import ndtri
from scipy.stats import rankdata

from distaff.metrics.information.ranks import smoothed_ranks, tied_values

COARSE = 5
"""Groups of rows, in the order of a column, between which the test of independence tells apart."""


class Columns(NamedTuple):
    """Some rows of a table, prepared with all of its rows in view."""

    ranks: Float[np.ndarray, "sample column"]
    """Smoothed ranks among all rows, 1 to n."""
    scores: Float[np.ndarray, "sample column"]
    """Normal quantiles of the ranks, which no monotone change of a column alters much."""
    values: Int[np.ndarray, "sample column"]
    """Index of the value, in a column of values; else 0."""
    coarse: Int[np.ndarray, "sample column"]
    """Index among `COARSE` groups of about equal frequency, or that of the value if there are no
    more."""
    sizes: Int[np.ndarray, " column"]
    """Number of values; in a column that has none, n."""
    rarest: Int[np.ndarray, " column"]
    """Number of rows of the rarest value; in a column that has none, 1."""
    discrete: Bool[np.ndarray, " column"]
    """Which columns are discrete."""
    rows: int
    """n, the number of all rows."""

    def at(self, rows: Int[np.ndarray, " row"]) -> "Columns":
        """Returns some of the rows."""
        return self._replace(
            ranks=self.ranks[rows],
            scores=self.scores[rows],
            values=self.values[rows],
            coarse=self.coarse[rows],
        )


def groups(
    ranks: Float[np.ndarray, "sample column"], number: int
) -> Int[np.ndarray, "sample column"]:
    """Returns the index of the group of each row among `number` groups of equal frequency."""
    exact = rankdata(ranks, axis=0)
    return np.asarray(((exact - 0.5) * number // len(ranks)).astype(np.int64))


def columns_of(
    table: Num[np.ndarray, "sample column"], discrete: Bool[np.ndarray, " column"] | None = None
) -> Columns:
    """Returns a table prepared for the estimators.

    Args:
        table: latents or factors.
        discrete: which columns are discrete by nature: there, each number is a value of its own.
            None: their values decide for all.
    """
    count, width = table.shape
    known = np.zeros(width, dtype=bool) if discrete is None else discrete
    table = table.astype(np.float64)
    values = np.zeros(table.shape, dtype=np.int64)
    sizes, rarest = np.full(width, count), np.ones(width, dtype=np.int64)
    for index, column in enumerate(table.T):
        tied = np.unique(column, return_inverse=True)[1] if known[index] else tied_values(column)
        if tied is not None:
            values[:, index], sizes[index] = tied, tied.max() + 1
            rarest[index] = np.bincount(tied).min()
    ranks = smoothed_ranks(np.where(known, values, table))
    for few in np.flatnonzero(sizes < count):
        value = values[:, few]
        ranks[:, few] = (np.bincount(value, ranks[:, few]) / np.bincount(value))[value]
    return Columns(
        ranks=ranks,
        scores=ndtri(ranks / (count + 1)),
        values=values,
        coarse=np.where(sizes <= COARSE, values, groups(ranks, COARSE)),
        sizes=sizes,
        rarest=rarest,
        discrete=known | (sizes <= np.sqrt(count)),
        rows=count,
    )
