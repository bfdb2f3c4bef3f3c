"""The dependency-aware mutual information gap (DMIG)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.dependent_factors import left_open, own_information, own_latents
from distaff.metrics.information.score import information_tables
from distaff.metrics.information.tables import Table
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score


def dmig(
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
    """Asks whether a latent of its own knows of each factor what no other factor tells.

    Each factor v has a latent z_v, by the assignment of latents to factors that knows most. With
    the other latent z' that tells most about v, and w the factor to which z' belongs, the gap

        (I(z_v; v) - I(z'; v)) / H(v | w)

    is averaged over the factors; H(v) takes the place of H(v | w) where z' belongs to no factor.
    Where factors depend on one another, a latent that knows w perfectly tells something about v,
    and no code can have a mutual information gap of 1: this one can. For independent factors with
    a latent each it is the mutual information gap. Range 0 to 1, best value 1, chance near 0. A
    gap is below 0 where another latent tells more about a factor than its own, a mean below 0
    counts as 0. A code of one latent has nothing in the second place, which counts as 0; a factor
    for which no latent is left counts as 0.

    Which latent belongs to which factor is given in the published code, whose models are trained so
    that it is known, by default in order; the assignment here does not depend on the order. The
    estimator is that of Ross 2014 on normal scores (see
    `metrics/information/mutual_information.py`), H(v | w) is H(v) - I(w; v) by the same.

    Parts: the gap of each factor. Chance: from shuffled factors, which depend on one another as
    before. Relation: I(z; v) / H(v), [latent, factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, no factor with two values, a factor
            that another one decides, an unknown kind or any `compat`.

    Reference: Watcharasupat, Lerch 2021, "Evaluation of latent space disentanglement in the
    presence of interdependent attributes", ISMIR late-breaking demo, arXiv:2110.05587.
    """
    check_compat(compat, offered=False)
    tables = information_tables(codes, factors, factor_names, factor_kinds, active, seed, repeats)
    share = left_open(tables)
    parts = dict(zip(tables.names, _gaps(tables.whole, share).tolist(), strict=True))
    return tables.score(lambda table: max(0.0, float(_gaps(table, share).mean())), parts)


def _gaps(table: Table, share: Float[np.ndarray, "given factor"]) -> Array:
    """Returns the gap of each factor; `share` is what each factor leaves open of each other."""
    own, factors = own_latents(table), np.arange(len(share))
    # a latent of nothing takes the second place where there is no other
    others = np.vstack([table.relation, np.zeros(len(share))])
    others[own[own >= 0], factors[own >= 0]] = -1
    second = others.argmax(axis=0)
    belongs = np.full(len(others), -1)
    belongs[own[own >= 0]] = factors[own >= 0]
    w = belongs[second]
    gap = own_information(table) - others[second, factors]
    return np.where(own >= 0, gap / np.where(w >= 0, share[w, factors], 1), 0.0)
