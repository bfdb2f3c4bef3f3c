"""The dependency-blind mutual information gap (XMIG)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.dependent_factors import own_information, own_latents
from distaff.metrics.information.score import information_tables
from distaff.metrics.information.tables import Table
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score


def xmig(
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
    """Asks whether the latents that belong to no factor are silent about all of them.

    Each factor v has a latent z_v, by the assignment of latents to factors that knows most. With
    z' the latent that belongs to no factor and tells most about v,

        (I(z_v; v) - I(z'; v)) / H(v)

    is averaged over the factors. Range 0 to 1, best value 1, chance near 0. A gap is below 0 where
    a latent of no factor tells more, a mean below 0 counts as 0. It is blind to what the latents of
    other factors tell, be it because factors depend on one another or because the code mixes them:
    read it beside `dmig`, which looks there. Where no latent is left over, nothing is subtracted,
    and a factor for which none is left counts as 0; the published code refuses a code that has no
    more latents than factors.

    Which latent belongs to which factor is given in the published code, whose models are trained so
    that it is known, by default in order; the assignment here does not depend on the order. The
    estimator is that of Ross 2014 on normal scores (see
    `metrics/information/mutual_information.py`).

    Parts: the gap of each factor. Relation: I(z; v) / H(v), [latent, factor]. All else as in
    `metrics/scoring.py`.

    Reference: Watcharasupat 2021, "Controllable music: supervised learning of disentangled
    representations for music generation"; Watcharasupat, Lee, Lerch 2022, "Latte", Software Impacts
    11.
    """
    check_compat(compat, offered=False)
    tables = information_tables(codes, factors, factor_names, factor_kinds, active, seed, repeats)
    parts = dict(zip(tables.names, _gaps(tables.whole).tolist(), strict=True))
    return tables.score(lambda table: max(0.0, float(_gaps(table).mean())), parts)


def _gaps(table: Table) -> Array:
    own = own_latents(table)
    left_over = np.setdiff1d(np.arange(len(table.relation)), own)
    told = table.relation[left_over].max(axis=0, initial=0)
    return np.where(own >= 0, own_information(table) - told, 0.0)
