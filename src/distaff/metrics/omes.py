"""Overlap and multiple encoding (OMES)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Num

from distaff.arrays import Array
from distaff.metrics.intervention import within_factor
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading
from distaff.metrics.tails import drawn_in


def omes(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 0,
) -> Score:
    """Asks which latents move when one factor changes and all others stay.

    For two images that differ in factor j at most, S_ij is one less the correlation of latent i in
    the one and in the other: 0 where it stays, 1 where factor j alone decides it. With K factors
    and D latents,

        O_ij = 1 - 1/K sum over k of |S_ik - [k = j]|      does latent i encode other factors too?
        M_ij = 1 - 1/D sum over l of |S_lj - [l = i]|      do other latents encode factor j too?

    the score of factor j is the mean over latents of S_ij (O_ij + M_ij) / 2 with the weights S_ij,
    and the value the mean over the factors. Range 0 to 1, best value 1. Chance is near
    (1/K + 1/D) / 2, since a latent of noise moves with every factor; that is also why noise latents
    beside good ones cost much. Dead latents, those of a single value, take no part.

    It needs images that share all factors but one: a complete set, or a large part of it. All pairs
    of them count, an image with itself too, so that S is exact and a share of variance: the
    variance of the latent where only factor j varies, over its variance, after the outermost 0.5 %
    of its rows on each side are drawn in, so that one outlier does not decide. The published code
    draws pairs that do differ and takes the absolute value of the correlation, which for a factor
    of two values, whose pairs are opposites, finds that nothing moves; it leaves out the latents of
    a standard deviation below 0.05, offers other weights than 1/2 and 1/2, and the best latent in
    place of the mean.

    Options:
        factor_kinds: "discrete" or "ordinal" for each factor; by default all discrete.
        repeats: not read; all images of a complete set are no sample, and there is no interval.

    No interval. Parts: the score of each factor, the means of O and M. Relation: S, [latent,
    factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, fewer than two factors with two values, fewer
            than 100 images that share all factors but one with another, an unknown kind or any
            `compat`.

    Reference: Dapueto, Noceti, Odone 2024, "Transferring disentangled representations: bridging the
    gap between synthetic and real images", NeurIPS, arXiv:2409.18017.
    """
    del repeats
    check_compat(compat, offered=False)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active)
    data.check_two_factors("omes")

    def read(codes: Array, labels: Array) -> Reading:
        inner = drawn_in(codes)
        moves = np.stack(
            [movement(inner, labels, j, name) for j, name in enumerate(data.names)], axis=1
        )
        live = moves[np.ptp(codes, axis=0) > 0]
        overlap, multiple = _overlap(live), _overlap(live.T)
        of_factors = np.stack([_weighted(live, overlap), _weighted(live, multiple.T)])
        scores = of_factors.mean(axis=0)
        return Reading(
            value=float(scores.mean()),
            parts={
                **data.by_factor(scores),
                "overlap": float(of_factors[0].mean()),
                "multiple encoding": float(of_factors[1].mean()),
            },
            relation=moves,
        )

    return data.score(read, estimator="all pairs", seed=seed, repeats=0)


def movement(
    codes: Float[np.ndarray, "sample latent"],
    labels: Int[np.ndarray, "sample factor"],
    factor: int,
    name: str,
) -> Float[np.ndarray, " latent"]:
    """Returns how much each latent moves with one factor, 0 for a dead latent.

    Raises:
        ValueError: too few images share all factors but this one with another.
    """
    within, rows = within_factor(codes, labels, factor, name)
    whole, moved = codes[rows].var(axis=0), (within**2).mean(axis=0)
    return np.asarray(np.divide(moved, whole, out=np.zeros_like(moved), where=whole > 0))


def _overlap(moves: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "row column"]:
    """Returns how near each row is to moving with one column alone, for each column."""
    away = moves.sum(axis=1, keepdims=True) - moves + np.abs(moves - 1)
    return np.asarray(1 - away / moves.shape[1])


def _weighted(moves: Array, scores: Array) -> Float[np.ndarray, " factor"]:
    """Returns the mean of moves * scores with the weights `moves`, 0 where nothing moves."""
    total = moves.sum(axis=0)
    return np.asarray((moves**2 * scores).sum(axis=0) / np.where(total > 0, total, 1))
