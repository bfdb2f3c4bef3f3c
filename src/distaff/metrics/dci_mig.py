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

    For the estimators see `metrics/information.py`; each estimate is weighed by the evidence that
    it is more than chance (see `metrics/evidence.py`). A continuous factor, whose information and
    entropy have no bound, has (1 - exp(-2 I)) log 100 for I and log 100 for H, as if it had 100
    values. The published code cuts latents into bins.

    Args:
        codes: the representation of each image, for a VAE its posterior mean.
        factors: index of the value of each factor, or its value where it is continuous.
        factor_names: for the names of the parts; by default `factor 0` and so on.
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; by default all
            discrete.
        active: for each latent whether it counts; by default all do. One that does not is treated
            as a dead one.
        compat: None; disentanglement_lib has no such score.
        seed: of the halves, the shuffling, and the noise between equal values.
        repeats: random halves of the rows from which the interval is taken.

    Returns:
        Value with 95 % interval; as parts the kept gap of each factor as a share of H(v), and the
        number of dead latents; chance from shuffled factors; ceiling from the factors as codes;
        relation I(z; v) / H(v), [latent, factor].

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, no factor with two values, an
            unknown kind or any `compat`.

    Reference: Sepliarskaia, Kiseleva, de Rijke 2019, "Evaluating disentangled representations",
    arXiv:1910.05587.
    """
    check_compat(compat, offered=False)
    tables = information_tables(
        codes,
        factors,
        factor_names=factor_names,
        factor_kinds=factor_kinds,
        active=active,
        seed=seed,
        repeats=repeats,
    )
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
