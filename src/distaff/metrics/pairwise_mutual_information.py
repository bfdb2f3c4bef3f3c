"""The mean mutual information of pairs of latents."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.independence import independence_score
from distaff.metrics.information.mutual_information import (
    cells,
    entropy,
    information_of_cells,
)
from distaff.metrics.published.histogram import BINS, frequency_information, histogram_cells
from distaff.metrics.score import Active, Score


def pairwise_mutual_information(
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
    """Asks how much one latent tells of another.

    The mean of I(z_i; z_j) over the pairs of latents, in nats, 0 is best, is in the parts. The
    value is 1 less the mean of I(z_i; z_j) / H(z_j). Range 0 to 1, best value 1, 0 where each
    latent gives away each other one. Unlike the Gaussian scores it sees dependence of any form,
    but only of pairs.

    It says nothing of the factors: independent noise scores 1, and so chance is 1. For chance and
    ceiling see `metrics/independence.py`.

    Each latent is cut into cells of equal frequency, the cube root of n of them, or its own values
    where it has no more, so that a pair of cells holds as many rows on average; the information is
    H(z_i) + H(z_j) - H(z_i, z_j), each entropy psi(n) - <psi(n_c)> over the rows n_c of a cell,
    which is corrected for its bias. Finer detail than a cell goes unseen. Dead latents tell
    nothing and are left out; one live latent scores 1.

    With `compat="disentanglement_lib"` the part is the number of that library: latents of the
    first `num_train` rows in 20 cells of equal width, which one outlier empties; information of
    the frequencies, (20 - 1)^2 / 2n nats for independent latents; dead latents count as latents.
    The value is made of it in the same way, with a share of 0 for a latent without entropy.

    Options:
        factors: values of the factors, for the ceiling; None if there are none.

    Parts: the mean mutual information in nats. All else as in `metrics/scoring.py`.

    Reference: Locatello, Bauer, Lucic, Rätsch, Gelly, Schölkopf, Bachem 2019, "Challenging common
    assumptions in the unsupervised learning of disentangled representations", arXiv:1811.12359.
    """

    def measure(table: Array) -> tuple[float, float]:
        if compat:
            cut = histogram_cells(table)
            information, most = frequency_information(cut, cut), entropy(cut)
        else:
            information, most = information_of_cells(table)
        share = np.divide(information, most, out=np.zeros_like(information), where=most > 0)
        pairs = ~np.eye(len(share), dtype=bool)
        return 1 - float(share[pairs].mean()), float(information[pairs].mean())

    def prepare(codes: Array) -> Array:
        return codes if compat else cells(codes, round(len(codes) ** (1 / 3)))

    return independence_score(
        measure,
        codes,
        factors,
        active=active,
        prepare=prepare,
        quantities=["mean mutual information"],
        estimator=f"frequencies in {BINS} cells of equal width"
        if compat
        else "digamma entropies of cells of equal frequency",
        compat=compat,
        num_train=num_train,
        seed=seed,
        repeats=repeats,
    )
