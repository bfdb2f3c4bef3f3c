"""Factorised support: the Hausdorff distance of the codes from all their combinations (HFS)."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float, Num
from scipy.spatial import KDTree

from distaff.arrays import Array
from distaff.metrics.independence import independence_score
from distaff.metrics.information.ranks import smoothed_ranks
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score

GRID = 64
"""Values of each latent, at most, whose combinations are looked for."""
TAIL = 0.005
"""Share of the rows at each end of a latent, whose values are not looked for."""
FARTHEST = 2**-0.5
"""Hausdorff distance of a latent and its copy, as ranks from 0 to 1; no two latents have more."""


def factorized_support(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"] | None = None,
    *,
    factor_names: Sequence[str] | None = None,  # noqa: ARG001 - every score takes the same
    active: Active | None = None,
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> Score:
    """Asks whether all combinations of the values of two latents occur, however often.

    For each pair of latents, S is the set of the pairs of values that occur, and S1 x S2 that of
    all combinations of values of the one and the other. The directed Hausdorff distance

        d = max over (a, b) in S1 x S2 of min over (a', b') in S of |(a, b) - (a', b')|

    is 0 where each combination occurs, and 1 / sqrt(2) for a latent and its copy, as ranks from 0
    to 1, which is the most there is. The value is 1 - sqrt(2) d, mean over the pairs. Range 0 to 1,
    best value 1. It does not mind that factors are correlated as long as no combination is ruled
    out, where scores of independence blame the code for its data.

    It says nothing of the factors: independent noise scores as well as any code can, and so chance
    is that of independent latents, below 1 since few images leave gaps. For chance and ceiling see
    `metrics/independence.py`. A rotated code is found out only where its latents have edges, as
    those of even factors have and those of normal ones have not. As a maximum it depends on single
    images, and a combination that is merely rare counts as missing.

    Published is a loss to train with: the sum of d^2 over random pairs of latents, of the latents
    as they are in a batch, with a second term that keeps their scale. Here each latent enters by
    its ranks (see `metrics/information/ranks.py`), so that scale does not decide; for a and b stand
    64 of its values, evenly spaced by rank, or all of fewer, without the outermost 0.5 % on each
    side, since every combination of an outlier is far from all images. Dead latents are left out;
    one live latent scores 1.

    Options:
        factors: values of the factors, for the ceiling; None if there are none.

    Parts: the mean and the largest distance, in ranks from 0 to 1. All else as in
    `metrics/scoring.py`.

    Reference: Roth, Ibrahim, Akata, Vincent, Bouchacourt 2023, "Disentanglement of correlated
    factors via Hausdorff factorized support", ICLR, arXiv:2210.07347.
    """
    check_compat(compat, offered=False)

    def measure(table: Array) -> tuple[float, float, float]:
        distances = [hausdorff_distance(table[:, pair]) for pair in _pairs(table.shape[1])]
        mean = float(np.mean(distances))
        return max(0.0, 1 - mean / FARTHEST), mean, max(distances)

    return independence_score(
        measure,
        codes,
        factors,
        active=active,
        prepare=lambda table: (smoothed_ranks(table.astype(np.float64)) - 0.5) / len(table),
        quantities=["mean distance", "largest distance"],
        estimator=f"Hausdorff distance of ranks, {GRID} values a latent",
        compat=None,
        num_train=None,
        seed=seed,
        repeats=repeats,
    )


def _pairs(latents: int) -> list[list[int]]:
    return [list(pair) for pair in combinations(range(latents), 2)]


def hausdorff_distance(pair: Float[np.ndarray, "sample 2"]) -> float:
    """Returns the distance of the combinations of two columns from the rows that occur."""
    first, second = (_values(column) for column in pair.T)
    combined = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    return float(np.max(KDTree(pair).query(combined)[0]))


def _values(column: Array) -> Array:
    """Some values of a column, evenly spaced by rank, without its tails."""
    places = np.linspace(TAIL, 1 - TAIL, GRID) * (len(column) - 1)
    return np.unique(np.sort(column)[places.round().astype(np.int64)])
