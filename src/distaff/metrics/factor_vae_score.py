"""The score of the FactorVAE paper (Kim and Mnih), also called Z-min-var."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from distaff.arrays import Array
from distaff.metrics.intervention import MatchedRows
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.prediction.classifiers import standardized, train_and_test_rows
from distaff.metrics.published.compat import check_compat
from distaff.metrics.randomness import stream
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading

VOTES = (2_000, 1_000)
PUBLISHED_VOTES = (10_000, 5_000)
VARIANCE_ROWS = 10_000
PRUNED_BELOW = 0.05


def factor_vae_score(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    group_size: int = 64,
    compat: str | None = None,
    num_train: int | None = None,
    num_test: int | None = None,
    seed: int = 0,
    repeats: int = 10,
) -> Score:
    """Asks whether the latent that varies least tells which factor was held fixed.

    For each vote a factor is drawn and a group of L images that share a value of it. The vote goes
    to the latent

        d* = argmin over d of Var_group(z_d) / Var_all(z_d).

    Each latent stands for the factor that most of its training votes had, and the score is the
    share of new votes for which it is right. Range 0 to 1, best value 1, chance about
    1 / number of factors. It does not ask that a factor is known to one latent only: copies of a
    latent cost nothing.

    Groups are rows of the table (see `metrics/intervention.py`), two thirds of the rows for the
    training votes and one third for the test votes. No group holds a row twice. Where a value has
    fewer than L rows, the group goes on with another value, and the variance is that within the
    values: few images would not tell the latents apart. Codes are normal scores (see
    `metrics/prediction/classifiers.py`). A dead latent, one of a single value, takes no votes,
    whatever the scale of the others; where all are dead the value is 0. It differs from the
    published code in that rule and in the scores, in 2,000 and 1,000 votes instead of 10,000 and
    5,000, and in that the test votes come from other images.

    With `compat="disentanglement_lib"` it is the number of that library, with its quirks:
    raw codes, 10,000 and 5,000 votes, groups for both from all rows, the variance of all from
    the first 10,000, and latents with a standard deviation below 0.05 are pruned, as its studies
    set it, so that a code that is scaled down loses latents and then the score; where all are
    pruned the value is 0. (Its code has 0 by default, which prunes nothing: a dead latent is then
    0 / 0 and takes every vote.) It differs by the random draws only.

    Options:
        group_size: images for each vote, L.
        num_train: number of votes that train.
        num_test: number of votes that test.
        repeats: random halves of the rows, from which the interval is taken: where the score of
            another draw of as many images would lie, the draw of votes and training included.

    Parts: the share of right votes for each factor. Relation: the share of a factor's test votes
    that each latent took, [latent, factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, fewer than two factors with two
            values, no two rows that share a value, an unknown kind or `compat`.

    Reference: Kim, Mnih 2018, "Disentangling by factorising", arXiv:1802.05983, section 4.
    """
    check_compat(compat)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active, compat=compat)
    data.check_two_factors("factor_vae_score")
    default_votes = PUBLISHED_VOTES if compat else VOTES
    votes = (num_train or default_votes[0], num_test or default_votes[1])

    def read(codes: Array, labels: Array) -> Reading:
        train, test = _train_and_test(codes, labels, data.names, votes, group_size, compat, seed)
        winner = train.argmax(axis=1)
        right = np.where(winner[:, None] == np.arange(len(data.names)), test, 0)
        total = np.maximum(test.sum(axis=0), 1)
        return Reading(
            value=float(right.sum() / max(test.sum(), 1)),
            parts=data.by_factor(right.sum(axis=0) / total),
            relation=test / total,
        )

    return data.score(
        read,
        estimator=(
            f"{'raw codes' if compat else 'normal scores'}, {votes[0]} and {votes[1]} votes of "
            f"{group_size} images"
        ),
        seed=seed,
        repeats=repeats,
        in_order=compat is not None,
    )


def _train_and_test(
    codes: Array,
    labels: Array,
    names: Sequence[str],
    votes: tuple[int, int],
    group_size: int,
    compat: str | None,
    seed: int,
) -> tuple[Array, Array]:
    generator = stream(seed, "factor-vae-score: votes")
    if compat:
        everywhere = np.arange(len(codes))
        rows = (everywhere, everywhere)
        variance = codes[:VARIANCE_ROWS].var(axis=0, ddof=1)
        active = np.sqrt(variance) >= PRUNED_BELOW
    else:
        rows = train_and_test_rows(codes, None, None, None, seed)
        codes = standardized(codes)
        variance = codes.var(axis=0)
        active = variance > 0
    scaled = codes / np.sqrt(np.where(active, variance, 1))
    train, test = (
        _votes(
            scaled[part],
            labels[part],
            active,
            names,
            (number, group_size),
            generator,
            published=compat is not None,
        )
        for part, number in zip(rows, votes, strict=True)
    )
    return train, test


def _votes(
    codes: Float[np.ndarray, "sample latent"],
    labels: Int[np.ndarray, "sample factor"],
    active: Bool[np.ndarray, " latent"],
    names: Sequence[str],
    shape: tuple[int, int],
    generator: np.random.Generator,
    *,
    published: bool,
) -> Int[np.ndarray, "latent factor"]:
    """Returns how many votes each latent took for each factor."""
    table = np.zeros((codes.shape[1], len(names)), dtype=np.int64)
    if not active.any():
        return table
    fixed = generator.integers(len(names), size=shape[0])
    for k, name in enumerate(names):
        companions, number = MatchedRows(labels[:, k], name), int((fixed == k).sum())
        if published:
            first = companions.rows((number, 1), generator)
            rows = companions.of(np.broadcast_to(first, (number, shape[1])), generator)
            values = np.zeros_like(rows)
        else:
            rows, values = companions.groups(number, shape[1], generator)
        winner = np.flatnonzero(active)[_steadiest(codes[:, active], rows, values)]
        table[:, k] = np.bincount(winner, minlength=len(table))
    return table


def _steadiest(
    codes: Float[np.ndarray, "sample latent"],
    rows: Int[np.ndarray, "group row"],
    values: Int[np.ndarray, "group row"],
) -> Int[np.ndarray, " group"]:
    """Returns the latent of the lowest variance within the values of each group."""
    starts = np.hstack([np.ones((len(rows), 1), dtype=bool), np.diff(values, axis=1) != 0])
    begin = np.flatnonzero(starts)
    number = np.diff(begin, append=rows.size)
    # latent by latent, so that no array of [group, row, latent] is held
    sums = np.empty((codes.shape[1], len(rows)))
    for i, column in enumerate(codes.T):
        code = column[rows.ravel()]
        mean = np.add.reduceat(code, begin) / number if code.size else code
        sums[i] = ((code - np.repeat(mean, number)) ** 2).reshape(rows.shape).sum(axis=1)
    return np.asarray(sums.argmin(axis=0))
