"""Linear symmetry-based disentanglement of cyclic factors (D_LSBD)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.intervention import within_factor
from distaff.metrics.labelled_codes import LabelledCodes, labelled_codes
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading

FASTEST = 10
"""Most turns of the code for one of the factor."""
FEWEST_VALUES = 3


def d_lsbd(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    cyclic: Sequence[int] | None = None,
    active: Active | None = None,
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 0,
) -> Score:
    """Asks whether the code turns evenly in a plane of its own as each cyclic factor turns.

    Of a cyclic factor, as an angle or a hue is, no single latent can be a faithful copy: where the
    last value is next to the first one, the code has to come back too, on a circle. For one such
    factor, let x be the code less its mean over the values of that factor, all others being the
    same, projected on its first two principal components and scaled to a variance of 1/2 in each.
    With the angle t of the factor and a whole number w of turns,

        D = min over w of E|R(-wt) x - E[R(-wt) x]|^2,

    is 0 for a circle that the code runs through evenly, and 1 for what has nothing to do with the
    angle. The value is 1 - D, mean over the cyclic factors. Range 0 to 1, best value 1, chance near
    0. A latent that runs in a straight line through the values of the factor has
    3 / (2 pi^2) = 0.15. Any rotation of the code as a whole changes nothing; the scale of a latent
    does, and one of noise whose variance is larger than that of the circle hides it.

    It needs images that share all factors but one: a complete set, or a large part of it. The
    values of a cyclic factor are taken for evenly spaced angles, in order, as published, with w
    from -10 to 10. Factors that are not cyclic only have to be the same, and all of their values
    share one plane; the published code can also give each its own plane.

    Options:
        factor_kinds: "discrete" or "ordinal" for each factor; by default all discrete.
        cyclic: columns of the factors whose last value is next to the first; by default all that
            vary.
        repeats: not read; all images of a complete set are no sample, and there is no interval.

    No interval. Parts: 1 - D of each cyclic factor. Ceiling: from a code of a circle for each
    cyclic factor. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, a cyclic factor of fewer than three values or
            one that does not exist, fewer than 100 images that share all factors but one with
            another, an unknown kind or any `compat`.

    Reference: Tonnaer, Pérez Rey, Menkovski, Holenderski, Portegies 2022, "Quantifying and learning
    linear symmetry-based disentanglement", ICML, arXiv:2011.06070.
    """
    del repeats
    check_compat(compat, offered=False)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active)
    circles = _cyclic(data, cyclic)

    def read(codes: Array, labels: Array) -> Reading:
        evenness = {}
        for factor in circles:
            within, rows = within_factor(codes, labels, factor, data.names[factor])
            angle = 2 * np.pi * labels[rows, factor] / (labels[:, factor].max() + 1)
            evenness[data.names[factor]] = _evenness(within, angle)
        return Reading(float(np.mean(list(evenness.values()))), evenness)

    angles = 2 * np.pi * data.labels[:, circles] / (data.labels[:, circles].max(axis=0) + 1)
    ideal = read(np.hstack([np.cos(angles), np.sin(angles)]), data.labels).value
    return data.score(read, estimator="all pairs", seed=seed, repeats=0, ceiling=ideal)


def _cyclic(data: LabelledCodes, cyclic: Sequence[int] | None) -> list[int]:
    """Returns the cyclic factors, as columns of the labels."""
    given = np.flatnonzero(data.varying).tolist() if cyclic is None else list(cyclic)
    if not given or not set(given) <= set(range(len(data.varying))):
        raise ValueError(
            f"cyclic is {given}; give columns of the {len(data.varying)} factors, 0 for the first"
        )
    column = np.cumsum(data.varying) - 1
    few = [
        i
        for i in given
        if not data.varying[i] or data.labels[:, column[i]].max() + 1 < FEWEST_VALUES
    ]
    if few:
        raise ValueError(
            f"factors {few} have fewer than {FEWEST_VALUES} values, so they do not turn; leave "
            f"them out of cyclic"
        )
    return [int(column[i]) for i in given]


def _evenness(
    within: Float[np.ndarray, "sample latent"], angle: Float[np.ndarray, " sample"]
) -> float:
    """Returns 1 - D: the largest share of a whole number of even turns in the plane."""
    centred = within - within.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    # left has unit columns; a direction without extent stays at 0
    plane = np.where(values[:2] > 0, left[:, :2], 0) * np.sqrt(len(left) / 2)
    point = plane @ np.array([1, 1j])[: plane.shape[1]]
    turns = np.arange(-FASTEST, FASTEST + 1)
    return float((np.abs(np.exp(-1j * np.outer(turns, angle)) @ point / len(point)) ** 2).max())
