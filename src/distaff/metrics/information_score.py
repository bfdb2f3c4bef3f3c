"""From arrays to a score of information: what these scores have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from distaff.metrics.arrays import checked, described
from distaff.metrics.compat import check_compat, training_rows
from distaff.metrics.histogram import BINS
from distaff.metrics.information import NEIGHBOURS, discretized, self_information
from distaff.metrics.information_tables import Table, tables_of
from distaff.metrics.resampling import interval_around
from distaff.score import Active, Array, Score


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
    varying: Bool[np.ndarray, " factor"]
    estimator: str

    def latent_parts(self, contributions: Float[np.ndarray, " latent"]) -> dict[str, float]:
        """Returns the contribution of each informative latent, and how many are not."""
        informative = np.flatnonzero(self.whole.informative)
        return {
            **{f"latent {latent}": float(contributions[latent]) for latent in informative},
            "uninformative latents": float(len(contributions) - len(informative)),
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
        relation = np.zeros((len(self.whole.information), len(self.varying)))
        relation[:, self.varying] = self.whole.relation
        return Score(
            value=value,
            interval=interval_around(value, halves),
            chance=chance,
            ceiling=ceiling,
            estimator=self.estimator,
            parts={**parts, "dead latents": float(self.dead)},
            relation=relation,
        )


def information_tables(
    codes: Array,
    factors: Array,
    *,
    factor_names: Sequence[str] | None,
    factor_kinds: Sequence[str] | None,
    seed: int,
    repeats: int,
    active: Active | None = None,
    compat: str | None = None,
    num_train: int | None = None,
) -> InformationTables:
    """Returns the tables of checked codes and factors.

    Args:
        codes: [sample, latent].
        factors: [sample, factor].
        factor_names: a name for each factor, or None.
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor, or None: all discrete.
        seed: of the halves, the shuffling, and the noise between equal values.
        repeats: number of halves.
        active: for each latent whether it counts, or None: all do.
        compat: None for Ross 2014 on normal scores; "disentanglement_lib" for histograms of the
            first `num_train` rows, and no latent taken for uninformative.
        num_train: see `metrics/compat.py`.

    Raises:
        ValueError: what is wrong with the arrays or settings.
    """
    check_compat(compat, num_train)
    data = checked(
        codes,
        discretized(factors, factor_kinds),
        factor_names,
        active=active,
        keep_repeats=compat is not None,
    )
    codes, factors, varying, names = data.codes, data.factors[:, data.varying], *data[2:4]
    rows = training_rows(len(codes), num_train) if compat else slice(None)
    codes, factors = codes[rows], factors[rows]
    for name, most in zip(names, self_information(factors), strict=True):
        if most <= 0:
            raise ValueError(
                f"{name} has no two values that occur twice; leave it out, or declare it "
                f"continuous in factor_kinds"
            )
    whole, halves, shuffled, ceiling = tables_of(
        codes, factors, histograms=compat is not None, seed=seed, repeats=repeats
    )
    method = (
        f"frequencies in {BINS} cells of equal width"
        if compat
        else f"Ross 2014 on normal scores, {NEIGHBOURS} neighbours"
    )
    return InformationTables(
        whole=whole,
        halves=halves,
        shuffled=shuffled,
        ceiling=ceiling,
        dead=int((np.ptp(codes, axis=0) == 0).sum()),
        names=tuple(names),
        varying=varying,
        estimator=f"{method}, {described(len(codes), data.repeats)}",
    )


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
