"""The Gaussian total correlation of a code."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.independence import independence_score
from distaff.metrics.information.ranks import normal_scores
from distaff.metrics.score import Active, Score


def gaussian_total_correlation(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"] | None = None,
    *,
    factor_names: Sequence[str] | None = None,  # noqa: ARG001 - every score takes the same
    active: Active | None = None,
    compat: str | None = None,
    num_train: int | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> Score:
    """Asks whether the latents are independent, as far as a Gaussian can tell.

    The total correlation of a Gaussian with covariance S, its divergence from the product of its
    marginals,

        TC = 1/2 (sum_j log S_jj - log det S)    in nats, 0 is best,

    is in the parts. The value turns it round: exp(-2 TC / (D - 1)) for D latents, the geometric
    mean, over the latents after the first, of the share of the variance of each that those before
    it do not explain. Range 0 to 1, best value 1, 0 where a latent is a sum of others.

    It says nothing of the factors: independent noise scores 1, and so chance is 1. For chance and
    ceiling see `metrics/independence.py`.

    S is taken from the normal scores of the latents, so that neither scale nor an outlier counts.
    Dead latents depend on nothing and are left out; one live latent scores 1.

    With `compat="disentanglement_lib"` S is the covariance of the codes as they are, of the first
    `num_train` rows, and the part is the number of that library: one outlier rules it, and a dead
    latent makes it, and the value, NaN or a number made of rounding.

    Options:
        factors: values of the factors, for the ceiling; None if there are none.

    Parts: the total correlation in nats. All else as in `metrics/scoring.py`.

    Reference: Locatello, Bauer, Lucic, Rätsch, Gelly, Schölkopf, Bachem 2019, "Challenging common
    assumptions in the unsupervised learning of disentangled representations", arXiv:1811.12359.
    """

    def measure(table: Array) -> tuple[float, float]:
        covariance = np.cov(table, rowvar=False) if compat else np.corrcoef(table, rowvar=False)
        total_correlation = _total_correlation(covariance)
        return float(np.exp(-2 * total_correlation / (table.shape[1] - 1))), total_correlation

    return independence_score(
        measure,
        codes,
        factors,
        active=active,
        prepare=np.asarray if compat else normal_scores,
        quantities=["total correlation"],
        estimator="covariance of the codes" if compat else "correlation of normal scores",
        compat=compat,
        num_train=num_train,
        seed=seed,
        repeats=repeats,
    )


def _total_correlation(covariance: Float[np.ndarray, "latent latent"]) -> float:
    # a dead latent: log 0 - log 0, which is NaN
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(
            0.5 * (np.log(np.diag(covariance)).sum() - np.linalg.slogdet(covariance).logabsdet)
        )
