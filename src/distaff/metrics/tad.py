"""The total AUROC difference (TAD)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.stats import kendalltau

from distaff.arrays import Array
from distaff.metrics.information.mutual_information import mutual_information, self_information
from distaff.metrics.labelled_codes import LabelledCodes, labelled_codes
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading

CAPTURED = 0.5
"""Least |D| of the best latent of a factor that counts as captured: an AUROC of 0.75."""
REDUNDANT = 0.2
"""Share of the entropy of a factor above which another one tells so much that it is left out."""


def tad(
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
    """Asks whether one latent, cut at a threshold, detects each attribute, and no second one does.

    The AUROC of a latent for an attribute that an image has or has not is the probability that it
    is larger for a random image which has it than for one which has not, or the reverse of that
    where this is more. Attributes count whose best latent reaches 0.75, and the published score is

        TAD = sum over attributes of AUROC_1st - AUROC_2nd.

    The value here is twice that over the number of attributes: range 0 to 1, best value 1, chance
    0. The sum itself and the number of attributes captured are parts. A latent that captures
    several attributes is not held against it. The threshold makes it jump where an attribute is
    barely captured.

    An attribute of which another one tells more than a fifth of its entropy is left out, as
    published, since no latent could keep to it. A factor of several values counts as one attribute,
    which the published code has not: its AUROC is the probability that two latents are in the order
    of two different values, (1 + |D|) / 2 with Somers' D, which for two values is the same. So a
    factor is taken for ordered, also one declared discrete. A dead latent, one of a single value,
    has an AUROC of 0.5; in the published code one whose range is below 0.2 has, too.

    Parts: AUROC_1st - AUROC_2nd of each factor that is not left out, 0 where it is not captured,
    their sum, the numbers of captured and of redundant factors, and that of dead latents. Relation:
    the AUROC, [latent, factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, no factor with two values, none
            that no other one tells, an unknown kind or any `compat`.

    Reference: Yeats, Liu, Womble, Li 2022, "NashAE: disentangling representations through
    adversarial covariance minimization", ECCV, arXiv:2209.10677.
    """
    check_compat(compat, offered=False)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active)
    kept = _not_redundant(data, seed)

    def read(codes: Array, labels: Array) -> Reading:
        orders = somers_d(codes, labels)
        first, second = np.sort(np.vstack([orders, np.zeros_like(orders[:1])]), axis=0)[:-3:-1]
        gaps = np.where(first >= CAPTURED, first - second, 0)[kept]
        auroc_gaps = (gaps / 2).tolist()
        names = [name for name, keep in zip(data.names, kept, strict=True) if keep]
        return Reading(
            value=float(gaps.mean()),
            parts={
                **dict(zip(names, auroc_gaps, strict=True)),
                "TAD": sum(auroc_gaps),
                "captured factors": float((first[kept] >= CAPTURED).sum()),
                "redundant factors": float((~kept).sum()),
            },
            relation=(1 + orders) / 2,
        )

    return data.score(read, estimator="AUROC", seed=seed, repeats=repeats)


def _not_redundant(data: LabelledCodes, seed: int) -> Bool[np.ndarray, " factor"]:
    """Returns of which factors no other one tells much."""
    told = mutual_information(data.labels.astype(np.float64), data.labels, seed=seed)
    np.fill_diagonal(told, 0)
    kept = np.asarray(told.max(axis=0) <= REDUNDANT * self_information(data.labels))
    if not kept.any():
        raise ValueError(
            f"of each factor another one tells more than {REDUNDANT:.0%}; leave some of "
            f"{', '.join(data.names)} out"
        )
    return kept


def somers_d(
    codes: Float[np.ndarray, "sample latent"], labels: Int[np.ndarray, "sample factor"]
) -> Float[np.ndarray, "latent factor"]:
    """Returns |D| of each latent given each factor, 0 for a dead latent.

    D is the number of pairs of rows in the same order less that of those in the opposite order,
    over that of pairs with different values of the factor.
    """
    pairs_of_factors, pairs_of_latents = _different_pairs(labels), _different_pairs(codes)
    result = np.zeros((codes.shape[1], labels.shape[1]))
    for (i, j), _ in np.ndenumerate(result):
        if pairs_of_latents[i] and pairs_of_factors[j]:
            tau = kendalltau(codes[:, i], labels[:, j]).statistic
            result[i, j] = abs(tau) * np.sqrt(pairs_of_latents[i] / pairs_of_factors[j])
    return result


def _different_pairs(table: Array) -> Float[np.ndarray, " column"]:
    """Returns the number of pairs of rows that differ in each column."""
    counts = [np.unique(column, return_counts=True)[1] for column in table.T]
    return np.array([(len(table) ** 2 - (count**2).sum()) / 2 for count in counts])
