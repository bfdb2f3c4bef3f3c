"""The tables of mutual information that several scores read, each estimated once.

Every score of information needs the same numbers: the table of all rows, those of random halves for
its interval, one with shuffled factors for its chance, one with the factors as codes for its
ceiling. They are remembered by the contents of the arrays, so that the second score is free.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from distaff.metrics.histogram import BINS, frequency_information, histogram_cells
from distaff.metrics.information import (
    cells,
    entropy,
    information_of_scores,
    most_cells,
    self_information,
)
from distaff.metrics.randomness import stream
from distaff.metrics.ranks import normal_scores
from distaff.metrics.resampling import random_halves
from distaff.score import Array

ABOVE_CHANCE = 4.0
"""Times 1 / sqrt(n) nats: five standard deviations of the estimate for an independent latent, which
are at most 0.8 / sqrt(n) nats whatever the factor."""
REMEMBERED = 8


class Table(NamedTuple):
    """What a set of rows says of its latents and factors, in nats."""

    information: Float[np.ndarray, "latent factor"]
    """I(z; v)."""
    entropy: Float[np.ndarray, " factor"]
    """H(v), the most that `information` can reach."""
    above_chance: Bool[np.ndarray, "latent factor"]
    """Whether I(z; v) is more than chance explains."""
    cell_entropy: Float[np.ndarray, " latent"]
    """H of each latent cut into cells of equal frequency."""
    most_cell_entropy: float
    """log of the number of cells."""

    @property
    def relation(self) -> Float[np.ndarray, "latent factor"]:
        """I(z; v) / H(v), 0 for a factor without entropy in these rows."""
        share = np.zeros_like(self.information)
        np.divide(self.information, self.entropy, out=share, where=self.entropy > 0)
        return share

    @property
    def informative(self) -> Bool[np.ndarray, " latent"]:
        """Which latents tell something of some factor."""
        return np.asarray(self.above_chance.any(axis=1))


class Tables(NamedTuple):
    """The tables that a score needs."""

    whole: Table
    halves: tuple[Table, ...]
    shuffled: Table
    ceiling: Table


def tables_of(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    *,
    histograms: bool,
    seed: int,
    repeats: int,
) -> Tables:
    """Returns the tables of codes and factors, from memory where they were asked for lately.

    Args:
        codes: latents, checked.
        factors: discrete factors of two values or more.
        histograms: frequencies in cells of equal width, and no latent taken for uninformative;
            otherwise Ross 2014 on normal scores.
        seed: of the halves, the shuffling, and the noise between equal values.
        repeats: number of halves.
    """
    contents = blake2b(repr((codes.shape, factors.shape, histograms, seed, repeats)).encode())
    contents.update(codes.tobytes())
    contents.update(factors.tobytes())
    key = contents.digest()
    if key not in _remembered:
        if len(_remembered) == REMEMBERED:
            del _remembered[next(iter(_remembered))]
        _remembered[key] = _estimate(codes, factors, histograms, seed, repeats)
    return _remembered[key]


_remembered: dict[bytes, Tables] = {}


def _estimate(codes: Array, factors: Array, histograms: bool, seed: int, repeats: int) -> Tables:
    def table_of(codes: Array) -> Callable[[Array, Array], Table]:
        return _by_histogram(codes) if histograms else _by_ross(codes, seed)

    every = np.arange(len(codes))
    table = table_of(codes)
    whole = table(every, factors)
    halves = tuple(
        table(rows, factors[rows])._replace(above_chance=whole.above_chance)
        for rows in random_halves(len(codes), repeats, seed)
    )
    shuffled = table(every, stream(seed, "shuffled factors").permutation(factors))
    ceiling = table_of(factors.astype(np.float64))(every, factors)
    return Tables(whole, halves, shuffled, ceiling)


def _by_ross(codes: Array, seed: int) -> Callable[[Array, Array], Table]:
    """Returns what makes the table of some rows of the codes and the factors of those rows."""
    number = most_cells(len(codes))
    scores, cut = normal_scores(codes), cells(codes, number)

    def table(rows: Array, factors: Array) -> Table:
        information = information_of_scores(scores[rows], factors, seed=seed)
        return Table(
            information=information,
            entropy=self_information(factors),
            above_chance=information > ABOVE_CHANCE / np.sqrt(len(rows)),
            cell_entropy=self_information(cut[rows]),
            most_cell_entropy=float(np.log(number)),
        )

    return table


def _by_histogram(codes: Array) -> Callable[[Array, Array], Table]:
    def table(rows: Array, factors: Array) -> Table:
        cut = histogram_cells(codes[rows])
        return Table(
            information=frequency_information(cut, factors),
            entropy=entropy(factors),
            above_chance=np.ones((codes.shape[1], factors.shape[1]), dtype=bool),
            cell_entropy=entropy(cut),
            most_cell_entropy=float(np.log(BINS)),
        )

    return table
