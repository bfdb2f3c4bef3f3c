"""Scores that ask of the latents only whether they depend on one another."""

from collections.abc import Callable, Sequence

import numpy as np

from distaff.arrays import Array
from distaff.metrics.arrays import checked_codes
from distaff.metrics.published.compat import check_compat, training_rows
from distaff.metrics.randomness import stream
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading, random_halves, score_of


def independence_score(
    measure: Callable[[Array], tuple[float, ...]],
    codes: Array,
    factors: Array | None,
    *,
    active: Active | None,
    prepare: Callable[[Array], Array],
    quantities: Sequence[str],
    estimator: str,
    compat: str | None,
    num_train: int | None,
    seed: int,
    repeats: int,
) -> Score:
    """Returns a score of the latents alone.

    Chance is the value where each latent is shuffled on its own, which leaves no dependence: a
    code of independent noise reaches it, and it is the best value. The ceiling is the value of the
    factors as codes, below the best where factors depend on one another; without factors it is
    that of the shuffled latents. Fewer than two latents have nothing to depend on: the value is 1
    and each quantity 0.

    Args:
        measure: of a prepared table of two latents or more: the value, then each quantity.
        codes: [sample, latent].
        factors: [sample, factor], or None.
        active: for each latent whether it counts, or None: all do.
        prepare: what is done once to the live latents, or with `compat` to all.
        quantities: names for the parts.
        estimator: what `measure` does.
        compat: None or "disentanglement_lib".
        num_train: see `metrics/published/compat.py`.
        seed: of halves and shuffling.
        repeats: random halves of the rows from which the interval is taken.

    Raises:
        ValueError: what is wrong with the arrays or settings.
    """
    check_compat(compat, num_train)
    codes = checked_codes(codes, active)
    if factors is not None and len(factors) != len(codes):
        raise ValueError(f"{len(codes)} codes and {len(factors)} rows of factors; give as many")
    rows = training_rows(len(codes), num_train) if compat else slice(None)
    codes = codes[rows]
    latents = prepare(codes if compat else _varying(codes))
    shuffled = stream(seed, "shuffled latents").permuted(latents, axis=0)
    ideal = shuffled if factors is None else prepare(_varying(checked_codes(factors)[rows]))

    def measured(table: Array) -> tuple[float, ...]:
        return measure(table) if table.shape[1] > 1 else (1.0, *(0.0 for _ in quantities))

    value, *parts = measured(latents)
    return score_of(
        Reading(value, dict(zip(quantities, parts, strict=True))),
        [measured(latents[half])[0] for half in random_halves(len(codes), repeats, seed)],
        chance=measured(shuffled)[0],
        ceiling=measured(ideal)[0],
        estimator=f"{estimator}, {len(codes)} images",
        dead=int((np.ptp(codes, axis=0) == 0).sum()),
    )


def _varying(columns: Array) -> Array:
    return np.asarray(columns[:, np.ptp(columns, axis=0) > 0])
