"""From what a score reads to the score that is reported: the one harness of all of them.

What the scores share is said here once.

Args:
    codes: numbers, [sample, latent]: the representation of each image, for a VAE its posterior
        mean. At least 100 rows.
    factors: [sample, factor], the index of each factor's value, or the value itself where the
        factor is continuous. A factor of a single value is left out.
    factor_names: for the parts and the columns of the relation; by default `factor 0` and so on.
    factor_kinds: "discrete", "ordinal" or "continuous" for each factor; by default all are
        discrete. A score that can only tell values apart cuts a continuous factor into cells of
        equal frequency.
    active: for each latent whether it counts; by default all do. One that does not is treated as
        dead, as is a latent of a single value.
    compat: None for the definition in the score's own words, or the name of a published one,
        "disentanglement_lib" where that library has the score, with its quirks.
    num_train, num_test: with `compat`, how many rows from the first on are read or train, by
        default 10,000 or two thirds of fewer than 15,000; and how many of the next ones test, by
        default 5,000 or the rest.
    seed: of all that is random: halves, shuffling, splits, classifiers, noise between equal values.
    repeats: random halves of the rows from which the interval is taken. It covers what another
        draw of as many images would change, the training of classifiers included.

Returns:
    The value; its 95 % interval; chance, the same with the factors shuffled (those of an image kept
    together); the ceiling, the same with the factors as codes; parts, among them the number of
    dead latents; and the relation it was read from, [latent, factor], with a column of zeros for a
    factor that was left out.

Raises:
    ValueError: NaN, shapes that do not match, too few rows, no factor with two values, an unknown
        kind of factor or `compat`.

The interval comes from random halves of the rows without replacement: a row drawn twice, as in the
bootstrap, would be its own nearest neighbour. Half of the rows has twice the variance of all, and
shares half of its rows with the whole, so the spread of the halves around their mean is the
standard error of the score on all rows (delete-d jackknife with d = n / 2; Shao & Wu 1989, Annals
of Statistics 17(3)).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import t as student
from threadpoolctl import ThreadpoolController

from distaff.arrays import Array
from distaff.metrics.randomness import stream
from distaff.metrics.score import Score


class Reading(NamedTuple):
    """What a score says of one table of codes."""

    value: float
    parts: Mapping[str, float]
    relation: Float[np.ndarray, "latent factor"] | None = None


def score_of(
    whole: Reading,
    halves: Sequence[float],
    *,
    chance: float,
    ceiling: float,
    estimator: str,
    dead: int,
    varying: Bool[np.ndarray, " given"] | None = None,
    best: float = 1.0,
) -> Score:
    """Returns the score of what was read.

    Args:
        whole: read from all rows.
        halves: values on random halves of the rows; none for no interval.
        chance: value with shuffled factors.
        ceiling: value with the factors as codes.
        estimator: its name, settings and number of images.
        dead: number of latents of a single value.
        varying: which of the given factors the columns of the relation belong to; None for all.
        best: end of the range of the score, which begins at 0.
    """
    relation = whole.relation
    if relation is not None and varying is not None:
        columns, relation = relation, np.zeros((len(relation), len(varying)))
        relation[:, varying] = columns
    return Score(
        value=whole.value,
        interval=interval_around(whole.value, halves, best),
        chance=chance,
        ceiling=ceiling,
        estimator=estimator,
        parts={**whole.parts, "dead latents": float(dead)},
        relation=relation,
    )


def random_halves(count: int, repeats: int, seed: int) -> Iterator[Array]:
    """Yields the rows of `repeats` random halves; none where fewer than 2 were asked for."""
    generator = stream(seed, "halves")
    for _ in range(repeats if repeats > 1 else 0):
        yield generator.permutation(count)[: count // 2]


def interval_around(
    value: float, halves: Sequence[float], best: float = 1.0
) -> tuple[float, float] | None:
    """Returns the interval around `value` that its values on random halves give, if any.

    So few halves know their own spread only roughly, which Student's t allows for.

    Args:
        value: the score on all rows.
        halves: the score on random halves; none for no interval.
        best: end of the range of the score, which begins at 0.
    """
    if not halves:
        return None
    margin = float(student.ppf(0.975, len(halves) - 1) * np.std(halves, ddof=1))
    return max(0.0, value - margin), min(best, value + margin)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keeps the linear algebra to one thread meanwhile.

    Products of 10,000 rows with ten latents are too small to share: threads that wait for each
    other take ten times as long on two cores. And so a score is the same on any number of cores.
    """
    with _libraries().limit(limits=1):
        yield


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()
