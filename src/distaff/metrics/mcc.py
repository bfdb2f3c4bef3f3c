"""The mean correlation coefficient (MCC) of latents and factors, strong identifiability."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num
from scipy.optimize import linear_sum_assignment

from distaff.arrays import Array
from distaff.metrics.information.ranks import smoothed_ranks
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading


def mcc(
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
    """Asks whether each factor has a latent of its own that rises or falls with it.

    With r_ij the rank correlation of latent i and factor j, and at most one latent for each factor,

        MCC = 1/K max over assignments a of sum over factors j of |r_a(j)j|,

    which is found exactly, as a linear assignment problem. Range 0 to 1, best value 1. Chance is
    near 0 for many images, about 1 / sqrt(n) times what the best of the latents adds. It asks for a
    latent for each factor, and nothing of the other latents: copies and noise cost nothing. A
    factor left over where there are fewer latents than factors counts as 0.

    A correlation takes a factor for ordered, also one declared discrete, and sees no dependence
    that rises and falls again. It is lenient with mixed latents: of two that are turned by 45
    degrees each still correlates by 0.7 with a factor. A dead latent, one of a single value,
    correlates with nothing.

    It differs from the published code in Spearman's correlation as the only one, where that has
    Pearson's as well, so that no monotone change of a latent alters much, and in that close values
    share a rank (see `metrics/information/ranks.py`).

    Options:
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; by default all
            discrete. Of a continuous one the ranks are read.

    Parts: |r| of each factor. Relation: |r|, [latent, factor]. All else as in `metrics/scoring.py`.

    Reference: Hyvärinen, Morioka 2016, "Unsupervised feature extraction by time-contrastive
    learning and nonlinear ICA", arXiv:1605.06336; "strong" in Khemakhem, Monti, Kingma, Hyvärinen
    2020, "ICE-BeeM", arXiv:2002.11537.
    """
    check_compat(compat, offered=False)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active, in_order=True)

    def read(codes: Array, labels: Array) -> Reading:
        relation = correlations(smoothed_ranks(codes), smoothed_ranks(labels.astype(np.float64)))
        own = of_own_latent(relation)
        return Reading(float(own.mean()), data.by_factor(own), relation)

    return data.score(read, estimator="Spearman", seed=seed, repeats=repeats)


def correlations(
    first: Num[np.ndarray, "sample first"], second: Num[np.ndarray, "sample second"]
) -> Float[np.ndarray, "first second"]:
    """Returns Pearson's |r| of each two columns, 0 for a column of one value."""
    units = []
    for table in (first, second):
        live = np.ptp(table, axis=0) > 0
        centred = np.where(live, table - table.mean(axis=0), 0.0)
        length = np.sqrt((centred**2).sum(axis=0))
        units.append(centred / np.where(live, length, 1))
    return np.abs(units[0].T @ units[1])


def of_own_latent(relation: Float[np.ndarray, "latent factor"]) -> Float[np.ndarray, " factor"]:
    """Returns for each factor its entry in the best assignment, 0 for one that got no latent."""
    latents, factors = linear_sum_assignment(relation, maximize=True)
    result = np.zeros(relation.shape[1])
    result[factors] = relation[latents, factors]
    return result
