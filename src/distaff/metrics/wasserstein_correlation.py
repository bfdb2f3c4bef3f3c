"""The Gaussian Wasserstein correlation of a code."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.independence import independence_score
from distaff.metrics.information.ranks import normal_scores
from distaff.metrics.score import Active, Score


def wasserstein_correlation(
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
    """Asks how far the latents are, as Gaussians, from independent ones.

    The squared Wasserstein distance of a Gaussian with covariance S from the product of its
    marginals, whose covariance is D = diag S, as a share of the variance,

        W = (2 tr S - 2 tr (S D)^(1/2)) / tr S    from 0, the best, to 2 - 2 / sqrt(latents),

    is in the parts. The value is 1 - W / (2 - 2 / sqrt(latents)). Range 0 to 1, best value 1, 0
    where all latents are the same. Unlike the total correlation it stays finite where one latent
    is a sum of others.

    It says nothing of the factors: independent noise scores 1, and so chance is 1. For chance and
    ceiling see `metrics/independence.py`.

    S is taken from the normal scores of the latents, so that neither scale nor an outlier counts.
    Dead latents depend on nothing and are left out; one live latent scores 1.

    With `compat="disentanglement_lib"` S is the covariance of the codes as they are, of the first
    `num_train` rows, and the parts are the numbers of that library, before and after the division
    by tr S: latents count by their scale, and one outlier rules them. The library takes the root
    of a matrix that is not symmetric, which may give a number with an imaginary part of the size
    of rounding; here the root of the eigenvalues is taken.

    Options:
        factors: values of the factors, for the ceiling; None if there are none.

    Parts: the Wasserstein correlation, the same normalised. All else as in `metrics/scoring.py`.

    Reference: Locatello, Bauer, Lucic, Rätsch, Gelly, Schölkopf, Bachem 2019, "Challenging common
    assumptions in the unsupervised learning of disentangled representations", arXiv:1811.12359.
    """

    def measure(table: Array) -> tuple[float, float, float]:
        covariance = np.cov(table, rowvar=False) if compat else np.corrcoef(table, rowvar=False)
        distance = _squared_distance(covariance)
        variance = float(np.trace(covariance))
        share = distance / variance if variance > 0 else float("nan")
        return 1 - share / (2 - 2 / table.shape[1] ** 0.5), distance, share

    return independence_score(
        measure,
        codes,
        factors,
        active=active,
        prepare=np.asarray if compat else normal_scores,
        quantities=["Wasserstein correlation", "normalised Wasserstein correlation"],
        estimator="covariance of the codes" if compat else "correlation of normal scores",
        compat=compat,
        num_train=num_train,
        seed=seed,
        repeats=repeats,
    )


def _squared_distance(covariance: Float[np.ndarray, "latent latent"]) -> float:
    deviation = np.sqrt(np.diag(covariance))
    # the eigenvalues of S D are those of D^(1/2) S D^(1/2), which is symmetric
    product = np.linalg.eigvalsh(covariance * np.outer(deviation, deviation))
    return float(2 * np.trace(covariance) - 2 * np.sqrt(np.maximum(product, 0)).sum())
