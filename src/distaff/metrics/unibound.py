"""The lower bound of unique information (UniBound)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.information.joint import share_told
from distaff.metrics.information.mutual_information import mutual_information, self_information
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.prediction.classifiers import train_and_test_rows
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading


def unibound(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 5,
) -> Score:
    """Asks whether one latent knows of each factor what all others together do not.

    What a latent z tells of a factor v is, in part, unique to it, in part redundant with the other
    latents z', and the rest of I(z, z'; v) is synergy. Whatever the definition of these, what is
    unique is at least I(z; v) - I(z'; v), and the score is the mean over the factors of

        max over latents of max(0, I(z; v) - I(z'; v)) / H(v),

    for a continuous factor the difference of 1 - exp(-2 I), which for Gaussian ones is that of the
    squared correlations.

    Range 0 to 1, best value 1, chance near 0. The mutual information gap subtracts what the second
    latent alone tells, this one what all others tell together: a factor that several latents hold
    between them, as a rotated copy of a code does, counts as 0 here and nearly in full there. So it
    is never above the gap. Only the latent that tells most can be above 0, since the others of any
    other one have it among them. A dead latent, one of a single value, tells nothing.

    I(z; v) is estimated after Ross 2014 on normal scores (see
    `metrics/information/mutual_information.py`). I(z'; v) is the largest of three lower bounds:
    that of each of the other latents alone, and two of predictors that see all of them, on a third
    of the rows, which they have not learnt from (see `metrics/information/joint.py`). So the score
    is too high where neither predictor finds what the others tell. The published code knows the
    posterior of each latent and takes its exact mixture over the data set.

    Parts: the bound of each factor, the mean share of the factors that the others tell. Relation:
    I(z; v) / H(v), [latent, factor]. All else as in `metrics/scoring.py`.

    Reference: Tokui, Sato 2022, "Disentanglement analysis with partial information decomposition",
    ICLR, arXiv:2108.13753.
    """
    check_compat(compat, offered=False)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active)

    continuous = np.zeros(len(data.names), dtype=bool)
    if factor_kinds is not None:
        continuous = np.array(factor_kinds)[data.varying] == "continuous"

    def read(codes: Array, labels: Array) -> Reading:
        entropy = self_information(labels)
        shares = mutual_information(codes, labels, seed=seed) / np.where(entropy > 0, entropy, 1)
        others = _told_by_others(codes, labels, shares, seed)
        relation, others = (
            np.where(continuous, -np.expm1(-2 * told * entropy), told) for told in (shares, others)
        )
        bounds = np.maximum(0, relation.max(axis=0) - others)
        parts = {**data.by_factor(bounds), "told by the others": float(others.mean())}
        return Reading(float(bounds.mean()), parts, relation)

    return data.score(
        read,
        estimator="Ross 2014 on normal scores, discriminant analysis, extra-trees",
        seed=seed,
        repeats=repeats,
    )


def _told_by_others(
    codes: Array, labels: Array, relation: Float[np.ndarray, "latent factor"], seed: int
) -> Float[np.ndarray, " factor"]:
    """Returns the share of each factor that all latents but its best one tell, or more."""
    if codes.shape[1] == 1:
        return np.zeros(labels.shape[1])
    rows = train_and_test_rows(codes, None, None, None, seed)
    shares = []
    for best, label, alone in zip(relation.argmax(axis=0), labels.T, relation.T, strict=True):
        told = share_told(np.delete(codes, best, axis=1), label, rows, seed)
        shares.append(max(np.delete(alone, best).max(), told))
    return np.array(shares)
