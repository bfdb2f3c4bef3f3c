"""The explicitness score."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression

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


def explicitness(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    compat: str | None = None,
    num_train: int | None = None,
    num_test: int | None = None,
    seed: int = 0,
    repeats: int = 5,
) -> Score:
    """Asks whether a linear classifier can read each factor from all latents together.

    For each value of a factor the area under the ROC curve of its probability against all other
    values, on rows that the classifier has not seen, averaged over the values and then over the
    factors. Best value 1, chance 0.5; below 0.5 by chance only. It does not ask for
    disentanglement: a rotated code scores as well.

    The classifier is a multinomial logistic regression on normal scores (see
    `metrics/prediction/classifiers.py`), with two thirds of the rows to learn from. A dead latent,
    one of a single value, changes nothing. It differs from the published code in the normal scores
    and in the weaker penalty, which raises the score of factors of many values.

    With `compat="disentanglement_lib"` it is the number of that library, with its quirks:
    codes standardised by the mean and standard deviation of the training rows, which one
    outlier changes; scikit-learn's `LogisticRegression()` with its penalty C = 1. Two things stay
    as above where the library fails: a dead latent (there NaN), and a value that only the training
    or only the test rows have (there an error), which is left out. Before version 0.22
    scikit-learn fitted one classifier for each value against the rest with liblinear, which makes
    values between others hard to tell: a perfect code of dSprites with five latents of noise
    scored 0.93 then and scores 0.98 now. That cannot be had any more from the same call.

    Parts: the area of each factor. All else as in `metrics/scoring.py`.

    Reference: Ridgeway, Mozer 2018, "Learning deep disentangled embeddings with the F-statistic
    loss", arXiv:1802.05312, section 3.
    """
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active, compat=compat)
    rows_read, split = splitting(data.codes, compat, num_train, num_test, seed)
    data = data.part(rows_read)
    predict = _published_probabilities if compat else class_log_probabilities

    def read(codes: Array, labels: Array) -> Reading:
        train, test = split(codes)
        inputs = _published_scale(codes, train) if compat else standardized(codes)
        areas = [
            mean_area(
                predict(inputs[train], label[train], inputs[test], int(label.max()) + 1),
                label[test],
            )
            for label in labels.T
        ]
        return Reading(value=float(np.mean(areas)), parts=data.by_factor(np.array(areas)))

    train, test = split(data.codes)
    method = "LogisticRegression()" if compat else "logistic regression on normal scores"
    return data.score(
        read,
        estimator=f"{method}, {len(train)} training and {len(test)} test images",
        seed=seed,
        repeats=repeats,
        in_order=compat is not None,
    )


def mean_area(
    probabilities: Float[np.ndarray, "row value"], labels: Int[np.ndarray, " row"]
) -> float:
    """Returns the area under the ROC curve of each value against the rest, mean over values.

    The area is the share of pairs, one row of the value and one of another, that the probability
    puts in the right order (Mann and Whitney), read from the sum of ranks. A value that no row has,
    or every row, is left out.
    """
    ranks = rankdata(probabilities, axis=0)
    own = np.bincount(labels, ranks[np.arange(len(labels)), labels], minlength=ranks.shape[1])
    number = np.bincount(labels, minlength=ranks.shape[1])
    pairs = number * (len(labels) - number)
    above = own - number * (number + 1) / 2
    return float((above[pairs > 0] / pairs[pairs > 0]).mean()) if pairs.any() else 0.5


def _published_scale(codes: Array, train: Array) -> Array:
    center, spread = codes[train].mean(axis=0), codes[train].std(axis=0)
    return np.where(spread > 0, (codes - center) / np.where(spread > 0, spread, 1), 0.0)


def _published_probabilities(
    train: Array, labels: Array, test: Array, classes: int
) -> Float[np.ndarray, "test value"]:
    classifier = fitted(LogisticRegression(), train, labels)
    result = np.zeros((len(test), classes))
    result[:, classifier.classes_] = classifier.predict_proba(test)
    return result
