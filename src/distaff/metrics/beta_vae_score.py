"""The score of the beta-VAE paper (Higgins et al.), also called Z-diff."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Num
from sklearn.linear_model import LogisticRegression

from distaff.arrays import Array
from distaff.metrics.intervention import MatchedRows
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.prediction.classifiers import (
    class_log_probabilities,
    fitted,
    standardized,
    train_and_test_rows,
)
from distaff.metrics.published.compat import check_compat
from distaff.metrics.randomness import stream
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading

POINTS = (2_000, 1_000)
PUBLISHED_POINTS = (10_000, 5_000)


def beta_vae_score(
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
    """Asks whether the latents that stay alike tell which factor two images share.

    For each point a factor is drawn, and L pairs of images that share its value, another value for
    each pair. The point is the mean absolute difference of the codes,

        x = 1/L sum over l of |z_l1 - z_l2|,

    and a linear classifier learns from x which factor was shared. The score is its accuracy on new
    points. Range 0 to 1, best value 1, chance 1 / number of factors. It saturates: it asks that
    some direction of x tells the factors apart, so that a rotated code scores well too. Believe a
    low value, not a high one.

    Pairs are rows of the table (see `metrics/intervention.py`), two thirds of the rows for the
    points that train and one third for those that test. The codes are standardised and the
    classifier is a logistic regression (see `metrics/prediction/classifiers.py`). A dead latent,
    one of a single value, never differs and changes nothing. It differs from the published code in
    the standardising, in that the points are 2,000 and 1,000 instead of 10,000 and 5,000, and in
    that the test points come from other images.

    With `compat="disentanglement_lib"` it is the number of that library, with its quirks:
    raw codes, and scikit-learn's `LogisticRegression()` with its penalty C = 1, so that the
    same code times 0.001 can score as chance does; 10,000 and 5,000 points, pairs for both from all
    rows. It differs by the random draws. Before version 0.22 scikit-learn fitted one classifier
    for each factor against the rest with liblinear, which the same call does not do any more; the
    scores differ by less than 0.005.

    Options:
        group_size: pairs for each point, L.
        num_train: number of points that train.
        num_test: number of points that test.

    Parts: the accuracy for each shared factor. Relation: the mean difference of each latent under
    each shared factor, [latent, factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, fewer than two factors with two
            values, no two rows that share a value, an unknown kind or `compat`.

    Reference: Higgins, Matthey, Pal, Burgess, Glorot, Botvinick, Mohamed, Lerchner 2017,
    "beta-VAE: Learning basic visual concepts with a constrained variational framework", ICLR,
    section 3.
    """
    check_compat(compat)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active, compat=compat)
    data.check_two_factors("beta_vae_score")
    default_points = PUBLISHED_POINTS if compat else POINTS
    points = (num_train or default_points[0], num_test or default_points[1])

    def read(codes: Array, labels: Array) -> Reading:
        train, test = _train_and_test(codes, labels, data.names, points, group_size, compat, seed)
        guess = _published_guess if compat else _guess
        right = guess(train, test.values, len(data.names)) == test.factor
        shared = [test.factor == k for k in range(len(data.names))]
        return Reading(
            value=float(right.mean()),
            parts=data.by_factor(np.array([right[k].mean() if k.any() else 0.0 for k in shared])),
            relation=np.stack([test.values[k].mean(axis=0) for k in shared], axis=1),
        )

    method = "LogisticRegression() on raw codes" if compat else "logistic regression, normal scores"
    return data.score(
        read,
        estimator=f"{method}, {points[0]} and {points[1]} points of {group_size} pairs",
        seed=seed,
        repeats=repeats,
        in_order=compat is not None,
    )


class _Points(NamedTuple):
    values: Float[np.ndarray, "point latent"]
    factor: Int[np.ndarray, " point"]
    """Which one the pairs shared."""


def _train_and_test(
    codes: Array,
    labels: Array,
    names: Sequence[str],
    points: tuple[int, int],
    group_size: int,
    compat: str | None,
    seed: int,
) -> tuple[_Points, _Points]:
    generator = stream(seed, "beta-vae-score: pairs")
    if compat:
        train = _points(codes, labels, names, (points[0], group_size), generator)
        return train, _points(codes, labels, names, (points[1], group_size), generator)
    scores = standardized(codes)
    rows = train_and_test_rows(codes, None, None, None, seed)
    train, test = (
        _points(scores[part], labels[part], names, (number, group_size), generator)
        for part, number in zip(rows, points, strict=True)
    )
    return train, test


def _points(
    codes: Array,
    labels: Array,
    names: Sequence[str],
    shape: tuple[int, int],
    generator: np.random.Generator,
) -> _Points:
    factor = generator.integers(len(names), size=shape[0])
    first = np.empty(shape, dtype=np.int64)
    second = np.empty(shape, dtype=np.int64)
    for k, name in enumerate(names):
        companions, mine = MatchedRows(labels[:, k], name), factor == k
        first[mine] = companions.rows((int(mine.sum()), shape[1]), generator)
        second[mine] = companions.of(first[mine], generator)
    # latent by latent, so that no array of [point, pair, latent] is held
    columns = [np.abs(column[first] - column[second]).mean(axis=1) for column in codes.T]
    return _Points(np.stack(columns, axis=1), factor)


def _guess(train: _Points, test: Array, factors: int) -> Array:
    scale = np.where(np.ptp(train.values, axis=0) > 0, train.values.std(axis=0), 1)
    center = train.values.mean(axis=0)
    logits = class_log_probabilities(
        (train.values - center) / scale, train.factor, (test - center) / scale, factors
    )
    return np.asarray(logits.argmax(axis=1))


def _published_guess(train: _Points, test: Array, factors: int) -> Array:
    del factors
    return np.asarray(fitted(LogisticRegression(), train.values, train.factor).predict(test))
