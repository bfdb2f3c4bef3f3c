"""The tables of mutual information that several scores read, each estimated once.

Every score of information needs the same numbers: the table of all rows, those of random halves for
its interval, one with shuffled factors for its chance, one with the factors as codes for its
ceiling. They are remembered by the contents of the arrays, so that the second score is free.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Num

from distaff.arrays import Array
from distaff.metrics.information.columns import Columns, columns_of
from distaff.metrics.information.mutual_information import (
    entropy,
    estimates,
    resolved_entropy,
    self_information,
)
from distaff.metrics.published.histogram import BINS, frequency_information, histogram_cells
from distaff.metrics.randomness import stream
from distaff.metrics.scoring import random_halves

CELLS = 100
"""Into how many cells of equal frequency a continuous variable is cut where a score
asks for its entropy: as many as keep a factor of 40 values apart, and the same for any number of
rows, so that the score has a limit."""
REMEMBERED = 8


class Table(NamedTuple):
    """What a set of rows says of its latents and factors, in nats."""

    information: Float[np.ndarray, "latent factor"]
    """I(z; v), at least 0, times the evidence for it."""
    evidence: Float[np.ndarray, "latent factor"]
    """How sure it is that z tells of v, 0 to 1 (see `metrics/information/evidence.py`)."""
    entropy: Float[np.ndarray, " factor"]
    """H(v), the most that `information` can reach; of a continuous factor the log of its cells."""
    continuous: Bool[np.ndarray, " factor"]
    """Which factors are continuous."""
    latent_entropy: Float[np.ndarray, " latent"]
    """H of each latent, as far as its cells tell its values apart."""
    most_latent_entropy: float
    """log of the number of cells."""

    @property
    def relation(self) -> Float[np.ndarray, "latent factor"]:
        """The share of a factor that a latent tells, from 0 to 1.

        I(z; v) / H(v) of a discrete factor, 0 for one without entropy in these rows. For a
        continuous one, whose entropy has no bound, 1 - exp(-2 I(z; v)): the square of Linfoot's
        informational coefficient of correlation (1957, Information and Control 1(1)), which is
        the squared correlation rho^2 of two Gaussian variables, 1 - 1 / m^2 for a factor that is
        known to its m-th part, and does not depend on the number of rows.
        """
        share = np.zeros_like(self.information)
        np.divide(self.information, self.entropy, out=share, where=self.entropy > 0)
        return np.where(self.continuous, -np.expm1(-2 * self.information), share)

    @property
    def nats(self) -> Float[np.ndarray, "latent factor"]:
        """The relation times H(v): I(z; v) of a discrete factor, bounded of a continuous one."""
        return np.asarray(self.relation * self.entropy)

    @property
    def weight(self) -> Float[np.ndarray, " latent"]:
        """How sure it is that a latent tells something of some factor, 0 to 1."""
        return np.asarray(self.evidence.max(axis=1))

    @property
    def known(self) -> Float[np.ndarray, " factor"]:
        """How sure it is that some latent tells of a factor, 0 to 1."""
        return np.asarray(1 - np.prod(1 - self.evidence, axis=0))

    def mean_over_latents(self, values: Float[np.ndarray, " latent"]) -> float:
        """Returns the mean of the latents that tell something, 0 where none does.

        sum of w x / sum of w, with w the weight of a latent, times the probability
        1 - product of (1 - w) that there is one that tells something. So latents of noise change
        nothing, and no threshold decides.
        """
        some = 1 - np.prod(1 - self.weight)
        return float(some * (self.weight * values).sum() / max(self.weight.sum(), 1e-300))


class Tables(NamedTuple):
    """The tables that a score needs."""

    whole: Table
    halves: tuple[Table, ...]
    shuffled: Table
    ceiling: Table


def tables_of(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    continuous: Bool[np.ndarray, " factor"],
    *,
    histograms: bool,
    seed: int,
    repeats: int,
) -> Tables:
    """Returns the tables of codes and factors, from the cache where it has them.

    Args:
        codes: latents, checked.
        factors: factors of two values or more.
        continuous: which of them are continuous; with `histograms`, none.
        histograms: frequencies in cells of equal width, and no latent taken for uninformative;
            otherwise the estimates of `metrics/information/mutual_information.py`.
        seed: of the halves, the shuffling, and the noise between equal values.
        repeats: number of halves.
    """
    contents = blake2b(repr((codes.shape, factors.shape, histograms, seed, repeats)).encode())
    contents.update(codes.tobytes())
    contents.update(factors.tobytes())
    contents.update(continuous.tobytes())
    key = contents.digest()
    if key not in _remembered:
        if len(_remembered) == REMEMBERED:
            del _remembered[next(iter(_remembered))]
        _remembered[key] = _estimate(codes, factors, continuous, histograms, seed, repeats)
    return _remembered[key]


_remembered: dict[bytes, Tables] = {}


def _estimate(
    codes: Array, factors: Array, continuous: Array, histograms: bool, seed: int, repeats: int
) -> Tables:
    known = columns_of(factors, ~continuous)

    def table_of(codes: Array) -> Callable[[Array, Array], Table]:
        if histograms:
            return _by_histogram(codes, factors)
        return _by_neighbours(codes, known, continuous, seed)

    every = np.arange(len(codes))
    table = table_of(codes)
    halves = tuple(table(rows, rows) for rows in random_halves(len(codes), repeats, seed))
    shuffled = table(every, stream(seed, "shuffled factors").permutation(every))
    ceiling = table_of(factors.astype(np.float64))(every, every)
    return Tables(table(every, every), halves, shuffled, ceiling)


def _by_neighbours(
    codes: Array, known: Columns, continuous: Array, seed: int
) -> Callable[[Array, Array], Table]:
    """Returns what makes the table of some rows of the codes and as many of the factors."""
    latents = columns_of(codes)

    def table(rows: Array, factor_rows: Array) -> Table:
        factors = known.at(factor_rows)
        found = estimates(latents.at(rows), factors, seed=seed)
        return Table(
            information=found.evidence * np.maximum(found.information, 0),
            evidence=found.evidence,
            entropy=np.where(continuous, np.log(CELLS), self_information(factors.values)),
            continuous=continuous,
            latent_entropy=resolved_entropy(latents.ranks[rows], count=latents.rows, cells=CELLS),
            most_latent_entropy=float(np.log(CELLS)),
        )

    return table


def _by_histogram(codes: Array, factors: Array) -> Callable[[Array, Array], Table]:
    def table(rows: Array, factor_rows: Array) -> Table:
        cut = histogram_cells(codes[rows])
        return Table(
            information=frequency_information(cut, factors[factor_rows]),
            evidence=np.ones((codes.shape[1], factors.shape[1])),
            entropy=entropy(factors[factor_rows]),
            continuous=np.zeros(factors.shape[1], dtype=bool),
            latent_entropy=entropy(cut),
            most_latent_entropy=float(np.log(BINS)),
        )

    return table
