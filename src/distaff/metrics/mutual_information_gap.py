"""The mutual information gap (MIG)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.information.score import information_tables, second_largest
from distaff.metrics.information.tables import Table
from distaff.metrics.score import Active, Score


def mutual_information_gap(
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
    """Asks whether each factor is known to one latent and to no second one.

    For each factor v the gap between the two latents that tell most about it,

        (I(z_1st; v) - I(z_2nd; v)) / H(v),

    averaged over the factors. Range 0 to 1, best value 1, chance near 0. A code of one latent has
    nothing in the second place, which counts as 0. A factor that has one value only is left out. A
    dead latent, one of a single value, tells nothing.

    It differs from the published code in that latents are not cut into bins: for the estimators see
    `metrics/information/mutual_information.py`. H(v) is I(v; v) by the same estimator. A continuous
    factor has no bound to its entropy, and the share I / H becomes 1 - exp(-2 I), which is the
    squared correlation of Gaussian variables. Each estimate is weighed by the evidence that it is
    more than chance (see `metrics/information/evidence.py`), so latents of noise add nothing.

    With `compat="disentanglement_lib"` it is the number of that library, with its quirks:
    each latent is cut into 20 cells of equal width between its extremes, which cannot carry
    log 40 nats (a perfect code of dSprites scores 0.90) and which one far outlier empties (0.00);
    information and entropy are those of the frequencies, so independent variables share some;
    the posterior mean is measured where Chen et al. take samples. Two things stay as above where
    the library fails: a factor of one value is left out (there NaN), and a code of one latent has
    nothing in the second place (there an IndexError). The library cuts codes of single precision,
    so that a value within rounding of an edge may fall on its other side.

    Parts: the gap of each factor. Relation: I(z; v) / H(v), or 1 - exp(-2 I), [latent, factor],
    with a column of zeros for a factor that was left out. All else as in `metrics/scoring.py`.

    Reference: Chen, Li, Grosse, Duvenaud 2018, "Isolating sources of disentanglement in VAEs",
    arXiv:1802.04942, equation 6.
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
    parts = dict(zip(tables.names, _gaps(tables.whole).tolist(), strict=True))
    return tables.score(lambda table: float(_gaps(table).mean()), parts)


def _gaps(table: Table) -> Array:
    return np.asarray(table.relation.max(axis=0) - second_largest(table.relation, axis=0))
