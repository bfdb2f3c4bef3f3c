"""What a classifier can tell of the factors from the latents, on rows it has not seen.

Each latent is replaced by its normal scores (see `metrics/information/mutual_information.py`),
brought to unit variance: those of a VAE are near normal, so it keeps them much as they are, while
scale, shift and sign of a latent, and one outlier, alter nothing. A dead latent, one of a single
value, becomes 0 throughout, which no classifier can use.

A row that lies apart, far outside the range in which the rows of a latent lie, is not learnt from:
one such row is enough to spoil a classifier that tells 40 values apart.

The classifier is a multinomial logistic regression, fitted by L-BFGS from zero with a penalty too
weak to matter (C = 10,000 in the words of scikit-learn), because a strong one keeps it from telling
apart the 40 values that a single latent can carry.
"""

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.optimize import minimize
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning

from distaff.arrays import Array
from distaff.metrics.information.ranks import normal_scores
from distaff.metrics.prediction.memory import remembered
from distaff.metrics.published.compat import DISENTANGLEMENT_LIB, check_compat, training_rows
from distaff.metrics.randomness import stream

Vector: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]

TEST_ROWS = 5_000
INVERSE_PENALTY = 1e4
ITERATIONS = 100
FENCE = 3.0
"""Times the range of the middle 90 % of a latent, away from its median: ten standard deviations of
a normal one."""
MOST_APART = 1 / 1_000
"""Share of the rows; a latent with more of them beyond the fence has long tails, not outliers."""


def standardized(codes: Num[np.ndarray, "sample latent"]) -> Float[np.ndarray, "sample latent"]:
    """Returns the normal scores of each latent with mean 0 and variance 1; a dead latent is 0."""
    codes = codes.astype(np.float64)
    return remembered("standardized", (codes,), lambda: _standardized(codes))


def _standardized(codes: Float[np.ndarray, "sample latent"]) -> Float[np.ndarray, "sample latent"]:
    result = np.zeros(codes.shape)
    for i in np.flatnonzero(np.ptp(codes, axis=0) > 0):
        scores = normal_scores(codes[:, i : i + 1])[:, 0]
        scores -= scores.mean()
        result[:, i] = scores / scores.std()
    return result


def order_by_content(codes: Float[np.ndarray, "sample latent"]) -> Int[np.ndarray, " latent"]:
    """Returns the latents in an order that their values decide, whatever their places.

    What is drawn for a latent, such as the cuts of a tree, then follows the latent. The first row
    decides, then the second where two latents are equal to six digits: normal scores differ in
    their last bits when a latent is scaled.
    """
    return np.lexsort(np.round(codes[::-1], 6))


def outliers(codes: Float[np.ndarray, "sample latent"]) -> Bool[np.ndarray, " sample"]:
    """Returns which rows are outliers of some latent."""
    low, median, high = np.quantile(codes, [0.05, 0.5, 0.95], axis=0)
    beyond = np.abs(codes - median) > FENCE * (high - low)
    few = beyond.sum(axis=0) <= max(1, int(MOST_APART * len(codes)))
    return np.asarray((beyond & few & (high > low)).any(axis=1))


def train_and_test_rows(
    codes: Float[np.ndarray, "sample latent"],
    compat: str | None,
    num_train: int | None,
    num_test: int | None,
    seed: int,
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]:
    """Returns the rows that a classifier learns from and those that score it.

    A random third of the rows tests; the others train, but for those that lie apart. With `compat`
    the first `num_train` rows train and the next `num_test` test; by default 10,000 and 5,000, or
    two thirds and one third of fewer rows.

    Raises:
        ValueError: an unknown `compat`, a number of rows without it, or more rows than there are.
    """
    check_compat(compat, num_train)
    count = len(codes)
    if compat is None:
        if num_test is not None:
            raise ValueError(f"give num_test={num_test} with compat={DISENTANGLEMENT_LIB!r}")
        order = random_order(count, seed)
        train = order[count // 3 :]
        return train[~outliers(codes)[train]], order[: count // 3]
    first = training_rows(count, num_train).stop
    number = min(TEST_ROWS, count - first) if num_test is None else num_test
    if not 1 <= number <= count - first:
        raise ValueError(
            f"num_test={num_test}; {count - first} of {count} rows are left after num_train={first}"
        )
    return np.arange(first), np.arange(first, first + number)


def random_order(count: int, seed: int) -> Int[np.ndarray, " sample"]:
    """Returns the order of the rows of which the first third tests."""
    return stream(seed, "training and test rows").permutation(count)


def in_the_roles_of_the_whole(
    rows: Int[np.ndarray, " half"], count: int, seed: int
) -> Int[np.ndarray, " half"]:
    """Returns the rows of a half in such an order that those that test all rows test the half.

    What the split decides is then common to all halves, as it is to the value. Halves split again
    would show it twice over: their spread would be up to 1.4 times the error of the value.

    Args:
        rows: of a table of `count` rows, some of them.
        count: number of all rows.
        seed: of the split.
    """
    place = np.argsort(random_order(count, seed))
    arranged = np.empty_like(rows)
    arranged[random_order(len(rows), seed)] = rows[np.argsort(place[rows])]
    return arranged


def splitting(
    codes: Float[np.ndarray, "sample latent"],
    compat: str | None,
    num_train: int | None,
    num_test: int | None,
    seed: int,
) -> tuple[slice, Callable[[Array], tuple[Array, Array]]]:
    """Returns which rows a score reads, and how to split those, or a half of them.

    The halves from which the interval comes train and test in the proportion of the whole.

    Args:
        codes: all rows.
        compat: see `train_and_test_rows`, as for the others.
        num_train: of all rows.
        num_test: of all rows.
        seed: of the split.

    Raises:
        ValueError: as `train_and_test_rows`.
    """
    train, test = train_and_test_rows(codes, compat, num_train, num_test, seed)
    if compat is None:
        return slice(None), lambda some: train_and_test_rows(some, None, None, None, seed)
    used = len(train) + len(test)

    def split(some: Array) -> tuple[Array, Array]:
        first = len(train) * len(some) // used
        return np.arange(first), np.arange(first, len(some))

    return slice(used), split


def class_log_probabilities(
    train: Float[np.ndarray, "train latent"],
    labels: Int[np.ndarray, " train"],
    test: Float[np.ndarray, "test latent"],
    classes: int,
) -> Float[np.ndarray, "test class"]:
    """Returns log p(class | codes) of the test rows by a logistic regression on the train rows.

    Scores that ask for the same regression, for their value, chance or ceiling, share it.

    Args:
        train: standardised codes.
        labels: the class of each of them, 0 to `classes` - 1.
        test: standardised codes.
        classes: number of classes; one that no train row has gets a low probability.
    """

    def compute() -> Array:
        weights = _regression_weights(train, labels, classes)
        logits = test @ weights[:-1] + weights[-1]
        logits -= logits.max(axis=1, keepdims=True)
        return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))

    return remembered(f"regression on {classes} classes", (train, labels, test), compute)


def _regression_weights(
    train: Float[np.ndarray, "train latent"], labels: Int[np.ndarray, " train"], classes: int
) -> Float[np.ndarray, "input class"]:
    """Returns the weight of each latent, and in the last row the intercept, for each class."""
    count = len(train)
    inputs = np.column_stack([train, np.ones(count)])
    of_its_class = (np.arange(count), labels)
    target = np.zeros((count, classes))
    target[of_its_class] = 1 / count
    target = inputs.T @ target
    # scikit-learn's C weighs the sum over rows, this is a mean; the intercept goes free
    penalty = np.full((inputs.shape[1], 1), 1 / (INVERSE_PENALTY * count))
    penalty[-1] = 0

    def loss_and_gradient(flat: Vector) -> tuple[float, Array]:
        weights = flat.reshape(-1, classes)
        logits = inputs @ weights
        logits -= logits.max(axis=1, keepdims=True)
        own = logits[of_its_class].mean()
        np.exp(logits, out=logits)
        total = logits.sum(axis=1, keepdims=True)
        logits /= total
        loss = np.log(total).mean() - own + 0.5 * (penalty * weights**2).sum()
        return float(loss), (inputs.T @ logits / count - target + penalty * weights).ravel()

    start = np.zeros(inputs.shape[1] * classes)
    found = minimize(
        loss_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": ITERATIONS, "gtol": 1e-4},
    )
    return np.asarray(found.x.reshape(-1, classes))


def fitted(classifier: Any, codes: Array, labels: Array) -> Any:
    """Returns a classifier of scikit-learn, fitted as the published code does.

    That code stops where the iterations run out and keeps to defaults that scikit-learn announces
    to change, and so does this, without a warning. Where the rows have one value only, as those of
    a rare factor may, that value is always guessed.
    """
    if is_classifier(classifier) and np.ptp(labels) == 0:
        return DummyClassifier().fit(codes, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)
        return classifier.fit(codes, labels)
