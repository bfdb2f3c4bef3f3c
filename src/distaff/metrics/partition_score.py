"""The score of the assignment "Rendering images with latent semi-supervision"."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num
from sklearn.linear_model import LogisticRegression

from distaff.arrays import Array
from distaff.metrics.labelled_codes import LabelledCodes, labelled_codes
from distaff.metrics.prediction.classifiers import fitted, standardized
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading, one_thread

FULL_MARKS = 50.0


@one_thread()
def partition_score(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    partitions: Sequence[tuple[int, int]] | None = None,
    factor_names: Sequence[str] | None = None,
    active: Active | None = None,
    standardize: bool = False,
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 10,
) -> Score:
    """Asks whether each part of the code that was set aside for a factor tells that factor.

    The latents are cut into partitions p_j, one for each factor. A logistic regression learns
    factor j from p_j on the second half of the rows, and with a_j its accuracy on the first half,

        50 x mean over j of a_j.

    Range 0 to 50, best value 50, chance 50 x the mean frequency of each factor's most frequent
    value: 5.9 for the five factors of dSprites. It does not ask that a partition tells nothing
    else.

    This is what the assignment's grader computes: scikit-learn's `LogisticRegression()` with its
    penalty C = 1 on the codes as they are, repeated rows included. So the scale of a latent
    matters, and a factor of 40 values in one latent between -2 and 2 is read badly: give it more
    latents, such as one for each value, or a larger scale. The rows are taken in the order given,
    so a table that is sorted by factor has to be shuffled first. The grader's default for the
    classifier changed with version 0.22 of scikit-learn, from one value against the rest to the
    multinomial one used here. A dead latent, one of a single value, tells nothing.

    Options:
        codes: the representation of each image, one sample or the mean of its posterior.
        factors: index of the value of each factor; one that does not vary is left out and has no
            partition.
        partitions: first latent and the one after the last, for each factor; by default one latent
            each, where there are as many as factors.
        standardize: take normal scores first (see `metrics/prediction/classifiers.py`), so that the
        scale of a
            latent does not matter; the grader does not.

    Parts: the accuracy a_j of each factor. Ceiling: from codes with a latent for each value of each
    factor, 1 for the value that it has. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, no factor with two values, not one
            partition for each factor, an empty one or one that overlaps another or ends outside
            the code, a factor of one value in the second half of the rows, or any `compat`.

    Reference: "Rendering images with latent semi-supervision", assignment of the course CS 699 of
    the University of Southern California, task 2.i.
    """
    check_compat(compat, offered=False)
    data = labelled_codes(codes, factors, factor_names, active=active, keep_repeats=True)
    ranges = _checked_partitions(data, partitions)
    _check_training_half(data)

    def read(codes: Array, labels: Array) -> Reading:
        inputs = standardized(codes) if standardize else codes
        accuracies = _accuracies([inputs[:, a:b] for a, b in ranges], labels)
        return Reading(
            value=FULL_MARKS * float(accuracies.mean()), parts=data.by_factor(accuracies)
        )

    indicators = [(label[:, None] == np.unique(label)).astype(float) for label in data.labels.T]
    return data.score(
        read,
        estimator=f"LogisticRegression() on {'normal scores' if standardize else 'raw codes'}",
        seed=seed,
        repeats=repeats,
        in_order=True,
        best=FULL_MARKS,
        ceiling=FULL_MARKS * float(_accuracies(indicators, data.labels).mean()),
    )


def _accuracies(inputs: Sequence[Array], labels: Array) -> Float[np.ndarray, " factor"]:
    """Returns the accuracy on the first half of the rows after learning from the second."""
    half = len(labels) // 2
    accuracies = []
    for part, label in zip(inputs, labels.T, strict=True):
        classifier = fitted(LogisticRegression(), part[half:], label[half:])
        accuracies.append((classifier.predict(part[:half]) == label[:half]).mean())
    return np.array(accuracies)


def _checked_partitions(
    data: LabelledCodes, partitions: Sequence[tuple[int, int]] | None
) -> list[tuple[int, int]]:
    latents, names = data.codes.shape[1], data.names
    if partitions is None:
        if latents != len(names):
            raise ValueError(
                f"{latents} latents for the {len(names)} factors {', '.join(names)}; say with "
                f"partitions which latents belong to which, as (first, one after the last)"
            )
        partitions = [(i, i + 1) for i in range(latents)]
    ranges = [(int(start), int(stop)) for start, stop in partitions]
    if len(ranges) != len(names):
        raise ValueError(
            f"{len(ranges)} partitions for the {len(names)} factors {', '.join(names)}; give one "
            f"for each factor that has more than one value"
        )
    if any(not 0 <= start < stop <= latents for start, stop in ranges):
        raise ValueError(f"partitions {ranges} are empty or end outside the {latents} latents")
    inside = [i for start, stop in ranges for i in range(start, stop)]
    if len(inside) != len(set(inside)):
        raise ValueError(f"partitions {ranges} overlap; give each latent to one factor")
    return ranges


def _check_training_half(data: LabelledCodes) -> None:
    half = len(data.labels) // 2
    for name, label in zip(data.names, data.labels.T, strict=True):
        if np.ptp(label[half:]) == 0:
            raise ValueError(
                f"{name} has one value in the second half of the rows, which trains; shuffle the "
                f"rows"
            )
