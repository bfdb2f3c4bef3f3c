"""The interventional robustness score (IRS)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Num

from distaff.arrays import Array
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.prediction.classifiers import standardized
from distaff.metrics.published.compat import check_compat, training_rows
from distaff.metrics.published.histogram import BINS, histogram_cells
from distaff.metrics.randomness import stream
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading


def interventional_robustness(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    quantile: float = 0.99,
    compat: str | None = None,
    num_train: int | None = None,
    seed: int = 0,
    repeats: int = 10,
) -> Score:
    """Asks whether each latent stays put while all factors but its own change.

    Images that share a value of factor j are what interventions on the other factors make of one
    another. How far latent i strays among them,

        D_ij = mean over values v of the q-quantile of |z_i - E(z_i | v)| where v_j = v,

    is compared with how far it strays in groups of the same sizes that share nothing, D'_ij:

        R_ij = max(0, 1 - D_ij / D'_ij),    R_i = max over j of R_ij,

    and the score is the mean of R_i, each latent weighted by R_i. Range 0 to 1, best value 1,
    chance near 0. It does not ask whether the factors are known: a code of one good latent scores
    1, and copies cost nothing.

    Groups are rows of the table; codes are normal scores (see `metrics/prediction/classifiers.py`).
    Weights keep a latent that follows no factor from counting; a dead latent, one of a single
    value, has weight 0, and where all have, the score is 0. It differs from the published
    definition, which rewards noise: there D' is the largest deviation in the whole table, which no
    quantile of a smaller group reaches, so that noise scores 0.3 and heavy-tailed noise 0.9; and
    the weights are those deviations, so that a rescaled code has another score. The paper takes q =
    1, the maximum.

    With `compat="disentanglement_lib"` it is the number of that library, with its quirks:
    raw codes, constant ones dropped, D' and the weights as just said, R not kept above 0, and
    factors of more than 20 values merged into 20 cells of equal width. No part of it depends on
    the version of scikit-learn.

    Options:
        quantile: q, between 0 and 1.

    Parts: the robustness of each live latent. Relation: R, [latent, factor]. All else as in
    `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, no factor with two values, an
            unknown kind or `compat`, or a quantile outside 0 to 1.

    Reference: Suter, Miladinović, Schölkopf, Bauer 2019, "Robustly disentangled causal mechanisms:
    validating deep representations for interventional robustness", arXiv:1811.00007.
    """
    check_compat(compat, num_train)
    if not 0 <= quantile <= 1:
        raise ValueError(f"quantile={quantile} is outside 0 to 1")
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active, compat=compat)
    if compat:
        data = data.part(training_rows(len(data.codes), num_train))

    def read(codes: Array, labels: Array) -> Reading:
        if compat:
            relation, weights = _published_robustness(codes, labels, quantile)
        else:
            relation = _robustness(standardized(codes), labels, quantile, seed)
            weights = relation.max(axis=1)
        best = relation.max(axis=1)
        total = weights.sum()
        return Reading(
            value=float((weights * best).sum() / total) if total > 0 else 0.0,
            parts={f"latent {i}": float(best[i]) for i in np.flatnonzero(np.ptp(codes, axis=0))},
            relation=relation,
        )

    cells = f"at most {BINS} cells, raw codes" if compat else "normal scores"
    return data.score(
        read,
        estimator=f"{quantile:g}-quantile, {cells}",
        seed=seed,
        repeats=repeats,
        in_order=compat is not None,
    )


def _robustness(
    scores: Float[np.ndarray, "sample latent"],
    labels: Int[np.ndarray, "sample factor"],
    quantile: float,
    seed: int,
) -> Float[np.ndarray, "latent factor"]:
    apart = stream(seed, "groups that share nothing").permutation(labels)
    strays = _deviations(scores, labels, quantile)
    freely = _deviations(scores, apart, quantile)
    return np.where(freely > 0, np.maximum(1 - strays / np.where(freely > 0, freely, 1), 0), 0.0)


def _deviations(
    codes: Float[np.ndarray, "sample latent"],
    labels: Int[np.ndarray, "sample factor"],
    quantile: float,
) -> Float[np.ndarray, "latent factor"]:
    """Returns D, the mean over the values of each factor."""
    columns = []
    for label in labels.T:
        ends = np.cumsum(np.unique(label, return_counts=True)[1])[:-1]
        groups = np.split(codes[np.argsort(label, kind="stable")], ends)
        strays = [np.quantile(np.abs(g - g.mean(axis=0)), quantile, axis=0) for g in groups]
        columns.append(np.mean(strays, axis=0))
    return np.stack(columns, axis=1)


def _published_robustness(
    codes: Array, labels: Array, quantile: float
) -> tuple[Float[np.ndarray, "latent factor"], Float[np.ndarray, " latent"]]:
    farthest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    live = np.ptp(codes, axis=0) > 0
    strays = _deviations(codes, histogram_cells(labels.astype(np.float64)), quantile)
    relation = np.where(live[:, None], 1 - strays / np.where(live, farthest, 1)[:, None], 0.0)
    return relation, np.where(live, farthest, 0.0)
