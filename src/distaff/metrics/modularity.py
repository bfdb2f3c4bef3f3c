"""The modularity score."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.information.score import check_two_factors, information_tables
from distaff.metrics.information.tables import Table
from distaff.metrics.score import Active, Score


def modularity(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    compat: str | None = None,
    num_train: int | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> Score:
    """Asks whether each latent is about one factor only.

    For each latent z, with v* the factor of which it tells most among K,

        1 - sum over v other than v* of I(z; v)^2 / (I(z; v*)^2 (K - 1)),

    averaged over the latents. Range 0 to 1, best value 1. It does not ask whether the factors are
    known: a code of one good latent scores 1.

    The ratio of a latent of noise is that of two errors of estimation, and as the published score
    counts it, noise scores above one half. Here each I is weighed by the evidence that it is more
    than chance; the mean weighs each latent by the evidence w that it tells something of some
    factor, from 0 for noise to 1 (see `metrics/information/evidence.py`), and is multiplied by
    1 - product of (1 - w), the probability that any latent does. So dead latents and noise change
    nothing, a code of nothing else scores 0, and a latent of weak information tends smoothly to its
    own value as the rows grow. Latents of w up to 1/2 are counted in the parts as uninformative.

    For the estimators see `metrics/information/mutual_information.py`. I of a continuous factor,
    which has no bound, is (1 - exp(-2 I)) log 100, as if it had 100 values.

    With `compat="disentanglement_lib"` it is the number of that library, with its quirks:
    all latents count, a latent of exactly no information as 0 and one of noise as its errors
    fall; information is that of the frequencies in 20 cells of equal width, which one outlier
    empties. A factor of one value is left out here; there it raises K and so the value.

    Parts: the modularity of each latent that takes part and the number of uninformative latents.
    Relation: I(z; v) / H(v), [latent, factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, fewer than two factors with two
            values, an unknown kind or `compat`.

    Reference: Ridgeway, Mozer 2018, "Learning deep disentangled embeddings with the F-statistic
    loss", arXiv:1802.05312, section 3.
    """
    tables = information_tables(
        codes,
        factors,
        factor_names,
        factor_kinds,
        active,
        seed,
        repeats,
        compat=compat,
        num_train=num_train,
    )
    check_two_factors(tables, "modularity")
    return tables.score(
        lambda table: table.mean_over_latents(_modularities(table)),
        tables.latent_parts(_modularities(tables.whole)),
    )


def _modularities(table: Table) -> Array:
    squared = table.nats**2
    largest = squared.max(axis=1)
    others = (squared.sum(axis=1) - largest) / (squared.shape[1] - 1)
    return np.where(largest > 0, 1 - others / np.where(largest > 0, largest, 1), 0.0)
