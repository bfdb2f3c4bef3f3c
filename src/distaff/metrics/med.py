"""Mutual information based entropy disentanglement (MED)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.metrics.dci import concentration
from distaff.metrics.information.score import check_two_factors, information_tables
from distaff.metrics.information.tables import Table
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score


def med(
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
    """Asks whether each latent shares information with one factor only.

    It is DCI's disentanglement with information in place of the importances of a predictor:

        R_ij = I(z_i; v_j) / sum over i of I(z_i; v_j),
        MED  = sum over i of w_i (1 - H(R_i. / sum_j R_ij)),   w_i = sum_j R_ij / sum_ij R_ij,

    with entropies to the base of the number of factors. Range 0 to 1, best value 1, chance near 0.
    No predictor is fitted, so that it suits codes of hundreds of latents. It does not ask whether
    all factors are known, nor by how many latents; a part tells the completeness, the same of the
    columns of R. Another part, top-1, is the score of the one most disentangled latent of each
    factor, among those that share most with it: high where a subset of the code is in order,
    whatever the rest is like.

    The estimator is that of Ross 2014 on normal scores (see
    `metrics/information/mutual_information.py`), and I is 0 where chance explains it (see
    `metrics/information/tables.py`). The published code takes the frequencies in 20 cells of equal
    width, so that independent variables share some information, and lets a factor of which nothing
    is known count as much as one that is: what is merely found by chance then adds up to 1.

    Parts: completeness, top-1, and the number of uninformative latents. Relation: I(z; v) / H(v),
    [latent, factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, fewer than two factors with two
            values, an unknown kind or any `compat`.

    Reference: Cao, Nai, Yang, Huang, Gao 2022, "An empirical study on disentanglement of
    negative-free contrastive learning", NeurIPS, arXiv:2206.04756.
    """
    check_compat(compat, offered=False)
    tables = information_tables(codes, factors, factor_names, factor_kinds, active, seed, repeats)
    check_two_factors(tables, "med")
    importance = _importance(tables.whole)
    parts = {
        "completeness": concentration(importance.T),
        "top-1": concentration(importance[most_disentangled(importance)]),
        "uninformative latents": tables.uninformative,
    }
    return tables.score(_concentration, parts)


def _importance(table: Table) -> Float[np.ndarray, "latent factor"]:
    total = table.nats.sum(axis=0)
    return np.asarray(table.nats / np.where(total > 0, total, 1) * table.known)


def _concentration(table: Table) -> float:
    """The score, towards 0 where no latent surely tells of any factor."""
    return concentration(_importance(table)) * float(1 - np.prod(1 - table.known))


def most_disentangled(importance: Float[np.ndarray, "latent factor"]) -> list[int]:
    """Returns the latent of least entropy of each factor, among those that matter most to it."""
    factor = np.where(importance.any(axis=1), importance.argmax(axis=1), -1)
    alone = np.array([concentration(row[None]) for row in importance])
    return [
        int(max(np.flatnonzero(factor == each), key=lambda latent: alone[latent]))
        for each in np.unique(factor[factor >= 0])
    ]
