"""How sure a score is: its spread over random halves of the rows."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.stats import t as student

from distaff.arrays import Array
from distaff.metrics.randomness import stream


def interval_of_halves(
    score: Callable[[Array], float],
    value: float,
    count: int,
    repeats: int,
    seed: int,
    best: float = 1.0,
) -> tuple[float, float] | None:
    """Returns a 95 % confidence interval around `value`.

    The score is computed on random halves of the rows, without replacement: a row drawn twice, as
    in the bootstrap, would be its own nearest neighbour. Half of the rows has twice the variance of
    all, and a half shares half of its rows with the whole, so the spread of the halves around
    their mean is the standard error of the score on all rows (delete-d jackknife with d = n / 2;
    Shao & Wu 1989, Annals of Statistics 17(3)).

    Args:
        score: the score on the rows of an index array.
        value: the score on all rows.
        count: number of rows.
        repeats: number of halves; None is returned for fewer than 2.
        seed: decides the halves.
        best: end of the range of the score, which begins at 0.
    """
    values = [score(rows) for rows in random_halves(count, repeats, seed)]
    return interval_around(value, values, best)


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
