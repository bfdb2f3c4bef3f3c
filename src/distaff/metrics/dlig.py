"""The dependency-aware latent information gap (DLIG)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.dependent_factors import left_open, own_latents
from distaff.metrics.information.score import check_two_factors, information_tables
from distaff.metrics.information.tables import Table
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score


def dlig(
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
    """Asks whether the latent of a factor tells of other factors only what that factor tells.

    Each factor v has a latent z_v, by the assignment of latents to factors that knows most. With w
    the other factor of which z_v tells most,

        (I(z_v; v) - I(z_v; w)) / H(v | w)

    is averaged over the latents that have a factor and tell anything. It is to `dmig` what
    `mig_sup` is to the mutual information gap: it looks at a latent and asks for one factor. Range
    0 to 1, best value 1, also where factors depend on one another, chance near 0. A gap is below 0
    where a latent tells more of another factor than of its own, a mean below 0 counts as 0. It does
    not ask whether all factors are known, nor what the latents without a factor tell.

    Information is compared in nats, as published, so that a latent of a factor of few values is
    easily found to tell more of one that has many. A latent tells something when that is more of
    some factor than chance explains (see `metrics/information/tables.py`); the published code
    counts all that were given a factor. There the latents of the factors are given, by default in
    order; the assignment here does not depend on the order. The estimator is that of Ross 2014 on
    normal scores (see `metrics/information/mutual_information.py`), H(v | w) is H(v) - I(w; v) by
    the same.

    Parts: the gap of each latent that counts, and the number of uninformative latents. Chance: from
    shuffled factors, which depend on one another as before. Relation: I(z; v) / H(v), [latent,
    factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, fewer than two factors with two
            values, a factor that another one decides, an unknown kind or any `compat`.

    Reference: Watcharasupat 2021, "Controllable music: supervised learning of disentangled
    representations for music generation"; Watcharasupat, Lee, Lerch 2022, "Latte", Software Impacts
    11.
    """
    check_compat(compat, offered=False)
    tables = information_tables(codes, factors, factor_names, factor_kinds, active, seed, repeats)
    check_two_factors(tables, "dlig")
    share = left_open(tables)
    parts = tables.latent_parts(_gaps(tables.whole, share))
    return tables.score(lambda table: _mean(table, _gaps(table, share)), parts)


def _mean(table: Table, gaps: Float[np.ndarray, " latent"]) -> float:
    """The mean over the latents that have a factor, each as sure as it is to tell something."""
    has_factor = np.isin(np.arange(len(gaps)), own_latents(table))
    own = table._replace(evidence=table.evidence * has_factor[:, None])
    return max(0.0, own.mean_over_latents(gaps))


def _gaps(table: Table, share: Float[np.ndarray, "given factor"]) -> Float[np.ndarray, " latent"]:
    """Returns the gap of each latent, 0 for one that has no factor."""
    result = np.zeros(len(table.information))
    for factor, latent in enumerate(own_latents(table)):
        if latent >= 0 and table.entropy[factor] > 0:
            told: Array = table.nats[latent].copy()
            own, told[factor] = told[factor], -1
            other = told.argmax()
            entropy = share[other, factor] * table.entropy[factor]
            result[latent] = (own - told[other]) / entropy
    return result
