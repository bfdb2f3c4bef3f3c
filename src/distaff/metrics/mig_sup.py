"""The supplement of the mutual information gap (MIG-sup)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.information.score import information_tables, second_largest
from distaff.metrics.information.tables import Table
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score


def mig_sup(
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
    """Asks whether each latent knows one factor and no second one.

    For each latent z the gap between the two factors of which it tells most,

        I(z; v_1st) / H(v_1st) - I(z; v_2nd) / H(v_2nd),

    averaged over the latents that tell anything. Range 0 to 1, best value 1, chance near 0: where
    the mutual information gap finds a factor spread over two latents, this one finds two factors
    mixed in a latent. With one factor there is nothing in the second place, which counts as 0.

    The mean weighs each latent by the evidence w that it tells something of some factor, from 0 for
    noise to 1 (see `metrics/information/evidence.py`), and is multiplied by 1 - product of (1 - w),
    the probability that any latent does. So dead latents and latents of noise, which a model may
    have at will, change nothing, and a code of nothing else scores 0. Information is weighed
    likewise. Latents of w up to 1/2 are counted in the parts as uninformative.

    For the estimators, and for I / H of a continuous factor, see
    `metrics/information/mutual_information.py` and `metrics/information/tables.py`; the published
    code cuts latents into bins and averages over all of them.

    Parts: the gap of each latent that takes part and the number of uninformative latents. Relation:
    I(z; v) / H(v), [latent, factor]. All else as in `metrics/scoring.py`.

    Reference: Li, Murkute, Gyawali, Wang 2020, "Progressive learning and disentanglement of
    hierarchical representations", ICLR.
    """
    check_compat(compat, offered=False)
    tables = information_tables(codes, factors, factor_names, factor_kinds, active, seed, repeats)
    return tables.score(
        lambda table: table.mean_over_latents(_gaps(table)),
        tables.latent_parts(_gaps(tables.whole)),
    )


def _gaps(table: Table) -> Array:
    return np.asarray(table.relation.max(axis=1) - second_largest(table.relation, axis=1))
