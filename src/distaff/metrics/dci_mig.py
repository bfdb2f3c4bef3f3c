"""The DCIMIG score: the mutual information gap on latents and factors at once."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.information.score import information_tables, second_largest
from distaff.metrics.information.tables import Table
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score


def dci_mig(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> Score:
    """Asks how much of the factors is held by latents that are each about one factor.

    Each latent z gives the gap I(z; v_1st) - I(z; v_2nd) between the two factors of which it tells
    most to the first of them. Each factor keeps the largest gap given to it, 0 if there is none,
    and the value is

        sum over factors of the kept gap / sum over factors of H(v).

    Range 0 to 1, best value 1, chance near 0. Several latents about the same factor cost nothing,
    a latent about two factors does, and a factor of many values weighs more than one of few. Dead
    latents and latents of noise have no gap and change nothing. With one factor there is nothing
    in the second place, which counts as 0.

    For the estimators see `metrics/information/mutual_information.py`; each estimate is weighed by
    the evidence that it is more than chance (see `metrics/information/evidence.py`). A continuous
    factor, whose information and entropy have no bound, has (1 - exp(-2 I)) log 100 for I and log
    100 for H, as if it had 100 values. The published code cuts latents into bins.

    Parts: the kept gap of each factor as a share of H(v). Relation: I(z; v) / H(v), [latent,
    factor]. All else as in `metrics/scoring.py`.

    Reference: Sepliarskaia, Kiseleva, de Rijke 2019, "Evaluating disentangled representations",
    arXiv:1910.05587.
    """
    check_compat(compat, offered=False)
    tables = information_tables(codes, factors, factor_names, factor_kinds, active, seed, repeats)
    shares = _kept_gaps(tables.whole) / tables.whole.entropy
    return tables.score(
        lambda table: float(_kept_gaps(table).sum() / table.entropy.sum()),
        dict(zip(tables.names, shares.tolist(), strict=True)),
    )


def _kept_gaps(table: Table) -> Array:
    given = table.nats.max(axis=1) - second_largest(table.nats, axis=1)
    kept = np.zeros(table.nats.shape[1])
    np.maximum.at(kept, table.nats.argmax(axis=1), given)
    return kept
