"""Codes with the labels of their factors, and how a score is read from them.

A score is a function of codes and labels. The same function gives the value, the chance (shuffled
labels), the ceiling (the labels as codes) and the interval (random halves of the rows).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from distaff.arrays import Array
from distaff.metrics.arrays import checked, described
from distaff.metrics.information.mutual_information import discretized
from distaff.metrics.prediction.classifiers import in_the_roles_of_the_whole
from distaff.metrics.randomness import stream
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading, one_thread, random_halves, score_of

Reader: TypeAlias = Callable[[Array, Array], Reading]


class LabelledCodes(NamedTuple):
    """Codes and the factors that vary, checked, and what is needed to report on them."""

    codes: Float[np.ndarray, "sample latent"]
    labels: Int[np.ndarray, "sample factor"]
    """Of each varying factor the index of its value among those that occur."""
    varying: Bool[np.ndarray, " given"]
    """Which of the factors that were given have more than one value."""
    names: list[str]
    repeats: int
    """Rows left out because they repeat another one."""

    @property
    def dead(self) -> Bool[np.ndarray, " latent"]:
        """Which latents have one value only."""
        return np.asarray(np.ptp(self.codes, axis=0) == 0)

    def part(self, rows: slice | Array) -> "LabelledCodes":
        """Returns some of the rows only."""
        return self._replace(codes=self.codes[rows], labels=self.labels[rows])

    def check_two_factors(self, score: str) -> None:
        """Raises ValueError where a score that tells factors apart has one factor only."""
        if len(self.names) < 2:
            raise ValueError(
                f"{score} tells factors apart, and {self.names[0]} alone has more than one value; "
                f"give two, or ask another score"
            )

    def by_factor(self, values: Num[np.ndarray, " factor"]) -> dict[str, float]:
        """Returns each value under the name of its factor."""
        return dict(zip(self.names, values.tolist(), strict=True))

    @one_thread()
    def score(
        self,
        read: Reader,
        *,
        estimator: str,
        seed: int,
        repeats: int,
        best: float = 1.0,
        in_order: bool = False,
        ceiling: float | None = None,
        cheaper: Reader | None = None,
    ) -> Score:
        """Returns the score that `read` gives of codes and labels.

        Args:
            read: called with the codes and labels, with shuffled labels (the factors of a row
                kept together) for the chance, with labels as codes for the ceiling, and with
                halves of the rows for the interval, each of which trains and tests again.
            estimator: its name and settings.
            seed: of the shuffling and the halves.
            repeats: number of halves; no interval for fewer than 2.
            best: end of the range of the score, which begins at 0.
            in_order: whether it splits the rows by their order and not at random.
            ceiling: of a score that has another one.
            cheaper: in place of `read` for chance and ceiling, where it takes minutes.
        """
        count = len(self.codes)
        reference = cheaper or read

        def on_half(rows: Array) -> float:
            rows = np.sort(rows) if in_order else in_the_roles_of_the_whole(rows, count, seed)
            return read(self.codes[rows], self.labels[rows]).value

        if ceiling is None:
            ceiling = reference(self.labels.astype(np.float64), self.labels).value
        shuffled = stream(seed, "shuffled factors").permutation(self.labels)
        return score_of(
            read(self.codes, self.labels),
            [on_half(rows) for rows in random_halves(count, repeats, seed)],
            chance=reference(self.codes, shuffled).value,
            ceiling=ceiling,
            estimator=f"{estimator}, {described(count, self.repeats)}",
            dead=int(self.dead.sum()),
            varying=self.varying,
            best=best,
        )


def labelled_codes(
    codes: Array,
    factors: Array,
    factor_names: Sequence[str] | None,
    factor_kinds: Sequence[str] | None = None,
    *,
    active: Active | None = None,
    compat: str | None = None,
    keep_repeats: bool = False,
    in_order: bool = False,
) -> LabelledCodes:
    """Returns checked codes with a label for each value of each factor that varies.

    Args:
        codes: [sample, latent].
        factors: [sample, factor].
        factor_names: a name for each factor, or None.
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor, or None: all discrete.
        active: for each latent whether it counts, or None: all do.
        compat: a published definition, which keeps repeated rows, or None.
        keep_repeats: keep them in any case.
        in_order: give the ranks of a continuous factor, for a score that reads their order.

    Raises:
        ValueError: what is wrong with the arrays and what would be right.
    """
    data = checked(
        codes,
        discretized(factors, factor_kinds, in_order=in_order),
        factor_names,
        active=active,
        keep_repeats=keep_repeats or compat is not None,
    )
    varying = data.factors[:, data.varying]
    labels = [np.unique(factor, return_inverse=True)[1] for factor in varying.T]
    return LabelledCodes(
        data.codes, np.stack(labels, axis=1), data.varying, data.names, data.repeats
    )
