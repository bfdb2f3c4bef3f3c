"""Accuracy of a classifier that learns the factors from few or many labels."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import KFold

from distaff.arrays import Array
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.prediction.classifiers import (
    class_log_probabilities,
    fitted,
    splitting,
    standardized,
)
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading

FOLDS = 5
PENALTIES = 10


def downstream_accuracy(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    labels: Sequence[int] = (100, 1_000, 10_000),
    compat: str | None = None,
    num_train: int | None = None,
    num_test: int | None = None,
    seed: int = 0,
    repeats: int = 5,
) -> Score:
    """Asks how well the codes serve someone who has so many labels.

    For each number of labels a linear classifier learns each factor from the codes of so many
    images; its accuracy on images it has not seen is averaged over the factors, and the value is
    the mean over the numbers. Best value 1, chance the mean frequency of each factor's most
    frequent value. Few labels cannot reach 1 even with a perfect code, since a value of which no
    label is known cannot be guessed: read it against the ceiling. It does not ask for
    disentanglement.

    The classifier is a multinomial logistic regression on normal scores (see
    `metrics/prediction/classifiers.py`). A third of the images tests; of the others the first so
    many train, all of them where there are fewer, and a part is named for the number that trained.
    A dead latent, one of a single value, changes nothing. It differs from the published code in the
    normal scores and in the penalty.

    With `compat="disentanglement_lib"` it is the number of that library, with its quirks:
    raw codes, and a penalty chosen among 10 by cross-validation on 5 folds without shuffling,
    `LogisticRegressionCV(Cs=10, cv=KFold(5))`, which takes minutes with 10,000 labels. There each
    number of labels has samples of its own, its studies add 10 labels to the numbers, and a second
    score has boosted trees for the classifier. Before version 0.22 scikit-learn fitted one
    classifier for each value against the rest, which cannot be had any more from the same call.

    Options:
        labels: numbers of images whose factors the classifier may see.

    Parts: the accuracy for each number of labels, that of each factor for the largest. All else as
    in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, no factor with two values, a number
            of labels below 1, an unknown kind or `compat`.

    Reference: Locatello, Bauer, Lucic, Rätsch, Gelly, Schölkopf, Bachem 2019, "Challenging common
    assumptions in the unsupervised learning of disentangled representations", arXiv:1811.12359.
    """
    if not labels or min(labels) < 1:
        raise ValueError(f"labels={tuple(labels)}; give numbers of images, such as (100, 1000)")
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active, compat=compat)
    rows_read, split = splitting(data.codes, compat, num_train, num_test, seed)
    data = data.part(rows_read)
    train, test = split(data.codes)
    numbers = sorted({min(number, len(train)) for number in labels})

    def read(codes: Array, labels: Array) -> Reading:
        accuracy = _accuracies(codes, labels, numbers, split(codes), compat)
        by_number = [float(mean) for mean in accuracy.mean(axis=1)]
        return Reading(
            value=float(accuracy.mean()),
            parts={
                **{f"{n} labels": mean for n, mean in zip(numbers, by_number, strict=True)},
                **data.by_factor(accuracy[-1]),
            },
        )

    method = (
        f"LogisticRegressionCV(Cs={PENALTIES}, cv=KFold({FOLDS})) on raw codes"
        if compat
        else "logistic regression on normal scores"
    )
    return data.score(
        read,
        estimator=f"{method}, {len(test)} test images",
        seed=seed,
        repeats=repeats,
        in_order=compat is not None,
    )


def _accuracies(
    codes: Array,
    labels: Array,
    numbers: Sequence[int],
    rows: tuple[Array, Array],
    compat: str | None,
) -> Float[np.ndarray, "number factor"]:
    """Returns the share of the test rows that is guessed right after so many labels."""
    inputs = codes if compat else standardized(codes)
    guess = _published_guess if compat else _guess
    accuracy = np.empty((len(numbers), labels.shape[1]))
    for i, number in enumerate(numbers):
        train, test = rows[0][:number], rows[1]
        for k, label in enumerate(labels.T):
            right = guess(inputs[train], label[train], inputs[test]) == label[test]
            accuracy[i, k] = right.mean()
    return accuracy


def _guess(train: Array, labels: Array, test: Array) -> Array:
    logits = class_log_probabilities(train, labels, test, int(labels.max()) + 1)
    return np.asarray(logits.argmax(axis=1))


def _published_guess(train: Array, labels: Array, test: Array) -> Array:
    classifier = LogisticRegressionCV(Cs=PENALTIES, cv=KFold(n_splits=FOLDS), scoring="accuracy")
    return np.asarray(fitted(classifier, train, labels).predict(test))
