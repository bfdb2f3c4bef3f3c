"""Rows that share the value of one factor, picked from a table of codes.

The interventional scores ask a data set for images that agree in one factor and are random in the
others. A table of codes and factors holds such rows already: a random row, and others of the same
value. All rows of all groups are drawn at once.
"""

import numpy as np
from jaxtyping import Float, Int

from distaff.arrays import Array
from distaff.metrics.arrays import FEWEST_ROWS

GROUPS_OF_AN_ORDER = 20
"""Groups that are cut from one random order of the rows, which takes longer than to cut them."""


class MatchedRows:
    """Draws rows that share the value of a factor with a given row."""

    def __init__(self, factor: Int[np.ndarray, " sample"], name: str) -> None:
        """Sorts the rows by value.

        Raises:
            ValueError: each value occurs once.
        """
        self.order = np.argsort(factor, kind="stable")
        _, self.value, sizes = np.unique(factor, return_inverse=True, return_counts=True)
        self.start = (np.cumsum(sizes) - sizes)[self.value]
        self.size = sizes[self.value]
        self.place = np.empty(len(factor), dtype=np.int64)
        self.place[self.order] = np.arange(len(factor))
        self.shared = np.flatnonzero(self.size > 1)
        """Rows whose value another row has as well; no other row can be drawn."""
        if not len(self.shared):
            raise ValueError(
                f"each value of {name} occurs in one row only, so no two rows share it; give more "
                f"rows, or declare it continuous in factor_kinds"
            )

    def rows(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        """Returns random rows that have a companion."""
        return np.asarray(self.shared[generator.integers(len(self.shared), size=shape)])

    def of(self, rows: Array, generator: np.random.Generator) -> Array:
        """Returns for each row another one with the same value."""
        size, start = self.size[rows], self.start[rows]
        step = 1 + np.floor(generator.random(rows.shape) * (size - 1)).astype(np.int64)
        return np.asarray(self.order[start + (self.place[rows] - start + step) % size])

    def groups(
        self, number: int, size: int, generator: np.random.Generator
    ) -> tuple[Int[np.ndarray, "group row"], Int[np.ndarray, "group row"]]:
        """Returns random groups of rows, and the index of the value of each row.

        A group shares the value of a random row and holds no row twice. Where fewer than `size`
        rows have that value, it has all of them and goes on with another value. A value of one row
        takes no part. Where fewer rows than `size` are left, each group is all of them.
        """
        rows = [
            self._groups(min(GROUPS_OF_AN_ORDER, number - begin), size, generator)
            for begin in range(0, number, GROUPS_OF_AN_ORDER)
        ]
        group = np.concatenate(rows) if rows else np.empty((0, size), dtype=np.int64)
        return group, self.value[group]

    def _groups(
        self, number: int, size: int, generator: np.random.Generator
    ) -> Int[np.ndarray, "group row"]:
        # values of too few rows come first, so that they go on with one another
        sizes = np.bincount(self.value)
        order = np.lexsort([generator.random(len(sizes)), sizes >= size])
        order = order[sizes[order] > 1]
        place = np.empty(len(sizes))
        place[order] = np.arange(len(order))
        mixed = self.shared[
            np.argsort(place[self.value[self.shared]] + generator.random(len(self.shared)))
        ]
        first = generator.integers(len(mixed), size=number)
        length = self.size[mixed[first]]
        begin = (np.cumsum(sizes[order]) - sizes[order])[
            place[self.value[mixed[first]]].astype(np.int64)
        ]
        few, all_of_few = length < size, int(sizes[order][sizes[order] < size].sum())
        # a circle of rows, and where on it the group begins: the rows of the value, or of all few
        around = all_of_few if all_of_few >= size else len(mixed)
        base, circle = np.where(few, 0, begin), np.where(few, around, length)
        offset = np.where(few, begin, first - begin)
        steps = offset[:, None] + np.arange(min(size, len(mixed)))
        return np.asarray(mixed[base[:, None] + steps % circle[:, None]])


def within_factor(
    codes: Float[np.ndarray, "sample latent"],
    labels: Int[np.ndarray, "sample factor"],
    factor: int,
    name: str,
) -> tuple[Float[np.ndarray, "kept latent"], Int[np.ndarray, " kept"]]:
    """Returns codes less their mean over the values of one factor, the others being the same.

    Rows that share all other factors with no other row are left out.

    Args:
        codes: latents.
        labels: the index of the value of each factor.
        factor: which one varies.
        name: of that factor, for the error.

    Returns:
        the differences, and the rows that they are of.

    Raises:
        ValueError: fewer than `FEWEST_ROWS` rows are left.
    """
    others = np.delete(labels, factor, axis=1)
    _, group, sizes = np.unique(others, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    rows = np.flatnonzero(sizes[group] > 1)
    if len(rows) < FEWEST_ROWS:
        raise ValueError(
            f"{len(rows)} images share all factors but {name} with another one, and the score "
            f"needs {FEWEST_ROWS}; give the codes of a complete set"
        )
    sums = np.zeros((len(sizes), codes.shape[1]))
    np.add.at(sums, group, codes)
    return (codes - (sums / sizes[:, None])[group])[rows], rows
