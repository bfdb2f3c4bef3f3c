"""From arrays to a score of information: what these scores have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num

from distaff.arrays import Array
from distaff.metrics.arrays import Checked, checked, described, numbered
from distaff.metrics.information.mutual_information import (
    continuous_columns,
    discretized,
    self_information,
)
from distaff.metrics.information.neighbours import NEIGHBOURS
from distaff.metrics.information.tables import Table, tables_of
from distaff.metrics.published.compat import check_compat, training_rows
from distaff.metrics.published.histogram import BINS
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading, score_of


@dataclass(frozen=True, kw_only=True)
class InformationTables:
    """The tables of a code, with what a score says beside its value."""

    whole: Table
    halves: tuple[Table, ...]
    shuffled: Table
    ceiling: Table
    dead: int
    """Number of latents that have one value only."""
    names: tuple[str, ...]
    """Of the factors that vary; a table has no others."""
    varying: Bool[np.ndarray, " given"]
    estimator: str
    codes: Float[np.ndarray, "sample latent"]
    """What the tables were estimated from."""
    factors: Num[np.ndarray, "sample factor"]
    """Those that vary, a continuous one by its values."""
    continuous: Bool[np.ndarray, " factor"]

    @property
    def uninformative(self) -> float:
        """The number of latents that are more likely to tell nothing than something."""
        return float((self.whole.weight <= 0.5).sum())

    def latent_parts(self, contributions: Float[np.ndarray, " latent"]) -> dict[str, float]:
        """Returns the contribution of each latent that tells something, and how many do not."""
        informative = np.flatnonzero(self.whole.weight > 0.5)
        return {
            **{f"latent {latent}": float(contributions[latent]) for latent in informative},
            "uninformative latents": self.uninformative,
        }

    def score(self, value: Callable[[Table], float], parts: Mapping[str, float]) -> Score:
        """Returns the score that `value` reads from each table, its parts beside."""
        return self.result(
            value(self.whole),
            [value(half) for half in self.halves],
            chance=value(self.shuffled),
            ceiling=value(self.ceiling),
            parts=parts,
        )

    def result(
        self,
        value: float,
        halves: Sequence[float],
        *,
        chance: float,
        ceiling: float,
        parts: Mapping[str, float],
    ) -> Score:
        """Returns the score of these values, with the relation and the number of dead latents."""
        return score_of(
            Reading(value, parts, self.whole.relation),
            halves,
            chance=chance,
            ceiling=ceiling,
            estimator=self.estimator,
            dead=self.dead,
            varying=self.varying,
        )


def information_tables(
    codes: Array,
    factors: Array,
    factor_names: Sequence[str] | None,
    factor_kinds: Sequence[str] | None,
    active: Active | None,
    seed: int,
    repeats: int,
    *,
    compat: str | None = None,
    num_train: int | None = None,
) -> InformationTables:
    """Returns the tables of checked codes and factors.

    Args:
        codes: [sample, latent].
        factors: [sample, factor].
        factor_names: a name for each factor, or None.
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor, or None: all discrete.
        active: for each latent whether it counts, or None: all do.
        seed: of the halves, the shuffling, and the noise between equal values.
        repeats: number of halves.
        compat: None for the estimates of `metrics/information/mutual_information.py`;
        "disentanglement_lib" for
            histograms of the first `num_train` rows, and no latent taken for uninformative.
        num_train: see `metrics/published/compat.py`.

    Raises:
        ValueError: what is wrong with the arrays or settings.
    """
    check_compat(compat, num_train)
    data, values, continuous = _checked(
        codes, numbered(factors), factor_names, factor_kinds, active, compat
    )
    rows = training_rows(len(values), num_train) if compat else slice(None)
    codes, values = data.codes[rows], values[rows]
    for name, most, exempt in zip(data.names, self_information(values), continuous, strict=True):
        if most <= 0 and not exempt:
            raise ValueError(
                f"{name} has no two values that occur twice; leave it out, or declare it "
                f"continuous in factor_kinds"
            )
    whole, halves, shuffled, ceiling = tables_of(
        codes, values, continuous, histograms=compat is not None, seed=seed, repeats=repeats
    )
    method = (
        f"frequencies in {BINS} cells of equal width"
        if compat
        else f"counts, or {NEIGHBOURS} nearest neighbours on normal scores"
    )
    return InformationTables(
        whole=whole,
        halves=halves,
        shuffled=shuffled,
        ceiling=ceiling,
        dead=int((np.ptp(codes, axis=0) == 0).sum()),
        names=tuple(data.names),
        varying=data.varying,
        estimator=f"{method}, {described(len(codes), data.repeats)}",
        codes=codes,
        factors=values,
        continuous=continuous,
    )


def _checked(
    codes: Array,
    factors: Array,
    factor_names: Sequence[str] | None,
    factor_kinds: Sequence[str] | None,
    active: Active | None,
    compat: str | None,
) -> tuple[Checked, Array, Array]:
    """What `checked` returns, the factors that vary, and which of them are continuous."""
    numbers, continuous = discretized(factors, factor_kinds), np.zeros(0, dtype=bool)
    if factor_kinds is not None and not compat:
        continuous = continuous_columns(factors, factor_kinds)
        for column in np.flatnonzero(continuous):
            numbers[:, column] = np.unique(factors[:, column], return_inverse=True)[1]
    data = checked(codes, numbers, factor_names, active=active, keep_repeats=compat is not None)
    if not continuous.any():
        return data, data.factors[:, data.varying], np.zeros(len(data.names), dtype=bool)
    values = data.factors.astype(np.float64)
    for column in np.flatnonzero(continuous):
        values[:, column] = np.unique(factors[:, column])[data.factors[:, column]]
    return data, values[:, data.varying], continuous[data.varying]


def second_largest(table: Float[np.ndarray, "first second"], axis: int) -> Array:
    """Returns the second largest entry along an axis, 0 where there is one entry only."""
    if table.shape[axis] < 2:
        return np.zeros(table.shape[1 - axis])
    return np.asarray(np.sort(table, axis=axis).take(-2, axis=axis))


def check_two_factors(tables: InformationTables, score: str) -> None:
    """Raises ValueError where a score that compares factors has one factor only."""
    if len(tables.names) < 2:
        raise ValueError(
            f"{score} compares factors, and {tables.names[0]} alone has more than one value; "
            f"give two, or ask another score"
        )
