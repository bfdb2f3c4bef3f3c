"""The separated attribute predictability (SAP) score."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from sklearn.svm import LinearSVC

from distaff.arrays import Array
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.prediction.classifiers import fitted, splitting, standardized
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading

NARROWEST = 0.01
"""Least standard deviation of a latent within a value, for a code that repeats itself exactly; the
values of a factor of 40 are six times as far apart."""
PUBLISHED_PENALTY = 0.01
LEAST_VARIANCE = 1e-12


def sap(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    continuous: bool = False,
    compat: str | None = None,
    num_train: int | None = None,
    num_test: int | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> Score:
    """Asks whether each factor can be predicted from one latent, and from no second one.

    With S_ij how well latent i alone predicts factor j, the gap between the two best latents,

        S_1st,j - S_2nd,j,

    averaged over the factors. Range 0 to 1, best value 1, chance near 0. A code of one latent has
    nothing in the second place, which counts as 0. Two latents that tell the same cost the whole
    gap of their factor.

    The prediction depends on the kind of the factor. A discrete one is guessed by Bayes' rule, with
    a normal distribution of the latent within each value, which can pick a value between others;
    S is the accuracy on rows it has not seen, scaled so that 0 is the guess of the most frequent
    value and 1 is perfect, and at least 0. For an ordinal or continuous one S is the squared
    correlation of the normal scores of latent and factor: 1 where the latent rises or falls with
    the factor in steps that it can tell from noise, near 1 for other monotone relations, since
    values of a latent within a hundredth of its width share a rank (see
    `metrics/information/ranks.py`). A perfect code scores 1 in both. Codes are normal scores too
    (see `metrics/prediction/classifiers.py`). A dead latent, one of a single value, predicts
    nothing. It differs from the published code in the predictors and in the scaling.

    With `compat="disentanglement_lib"` it is the number of that library, with its quirks:
    all factors are discrete, and S is the plain accuracy of `LinearSVC(C=0.01,
    class_weight="balanced")` on one raw latent, one value against the rest, which cannot pick a
    value between others (a perfect code of dSprites scores 0.2) and depends on scale; or, with
    `continuous=True`, all are continuous and S is the squared correlation in the training rows,
    0 for a latent of variance below 1e-12. A code of one latent stays as above, where the library
    fails. Since version 1.5 scikit-learn solves the primal problem for this shape where it
    solved the dual one with random draws.

    Options:
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; by default all
            discrete. Of a continuous one the ranks are read.
        continuous: take all factors for continuous, whatever `factor_kinds` says.

    Parts: the gap of each factor. Relation: S, [latent, factor]. All else as in
    `metrics/scoring.py`.

    Reference: Kumar, Sattigeri, Balakrishnan 2018, "Variational inference of disentangled latent
    concepts from unlabeled observations", arXiv:1711.00848, section 3.
    """
    data = labelled_codes(
        codes,
        factors,
        factor_names,
        factor_kinds,
        active=active,
        compat=compat,
        in_order=compat is None,
    )
    rows_read, split = splitting(data.codes, compat, num_train, num_test, seed)
    data = data.part(rows_read)
    ordered = np.full(len(data.names), continuous)
    if factor_kinds is not None and not continuous:
        ordered = np.array(factor_kinds)[data.varying] != "discrete"

    def read(codes: Array, labels: Array) -> Reading:
        train, test = split(codes)
        if compat and continuous:
            matrix = _correlations(codes[train], labels[train])
        elif compat:
            matrix = _published_accuracy(codes, labels, train, test)
        else:
            matrix = _predictability(codes, labels, ordered, train, test)
        gaps = _gaps(matrix)
        return Reading(float(gaps.mean()), data.by_factor(gaps), matrix)

    train, test = split(data.codes)

    return data.score(
        read,
        estimator=f"{_method(compat, continuous)}, {len(train)} training, {len(test)} test images",
        seed=seed,
        repeats=repeats,
        in_order=compat is not None,
    )


def _method(compat: str | None, continuous: bool) -> str:
    if not compat:
        return "Bayes' rule or squared correlation on normal scores"
    return "squared correlation" if continuous else f"LinearSVC(C={PUBLISHED_PENALTY})"


def _gaps(matrix: Float[np.ndarray, "latent factor"]) -> Float[np.ndarray, " factor"]:
    best = np.sort(matrix, axis=0)[::-1]
    return np.asarray(best[0] - (best[1] if len(best) > 1 else 0.0))


def _predictability(
    codes: Array, labels: Array, ordered: Bool[np.ndarray, " factor"], train: Array, test: Array
) -> Float[np.ndarray, "latent factor"]:
    scores = standardized(codes)
    matrix = _correlations(scores[test], standardized(labels)[test])
    for k in np.flatnonzero(~ordered):
        guess = _bayes_guess(scores[train], labels[train, k], scores[test])
        matrix[:, k] = _skill(guess, labels[test, k], labels[train, k])
    return matrix


def _bayes_guess(
    train: Float[np.ndarray, "train latent"],
    labels: Int[np.ndarray, " train"],
    test: Float[np.ndarray, "test latent"],
) -> Int[np.ndarray, "test latent"]:
    """Returns the likeliest value by each latent alone, normal within each value."""
    number = np.bincount(labels)
    belongs = labels == np.arange(len(number))[:, None]
    mean = belongs @ train / np.maximum(number, 1)[:, None]
    variance = belongs @ train**2 / np.maximum(number, 1)[:, None] - mean**2
    spread = np.sqrt(np.maximum(variance, NARROWEST**2))
    with np.errstate(divide="ignore"):  # a value that no training row has is never guessed
        prior = np.log(number / len(train))[:, None] - np.log(spread)
    likeliest = [
        np.argmax(prior[:, i] - 0.5 * ((test[:, i, None] - mean[:, i]) / spread[:, i]) ** 2, axis=1)
        for i in range(train.shape[1])
    ]
    return np.stack(likeliest, axis=1)


def _skill(
    guess: Int[np.ndarray, "row latent"],
    truth: Int[np.ndarray, " row"],
    train: Int[np.ndarray, " train"],
) -> Float[np.ndarray, " latent"]:
    """Returns the accuracy, 0 for that of the most frequent training value and 1 for perfect."""
    right = (guess == truth[:, None]).mean(axis=0)
    base = (truth == np.bincount(train).argmax()).mean()
    return np.asarray(np.maximum(right - base, 0) / max(1 - base, 1 / len(truth)))


def _correlations(
    latents: Num[np.ndarray, "row latent"], factors: Num[np.ndarray, "row factor"]
) -> Float[np.ndarray, "latent factor"]:
    """Returns the squared correlations, 0 for what does not vary."""
    centred, target = latents - latents.mean(axis=0), factors - factors.mean(axis=0)
    power = np.outer((centred**2).sum(axis=0), (target**2).sum(axis=0))
    live = (centred.var(axis=0, ddof=1) > LEAST_VARIANCE)[:, None] & (power > 0)
    return np.where(live, (centred.T @ target) ** 2 / np.where(power > 0, power, 1), 0.0)


def _published_accuracy(
    codes: Array, labels: Array, train: Array, test: Array
) -> Float[np.ndarray, "latent factor"]:
    accuracy = np.empty((codes.shape[1], labels.shape[1]))
    for i, latent in enumerate(codes.T):
        for j, label in enumerate(labels.T):
            machine = LinearSVC(C=PUBLISHED_PENALTY, class_weight="balanced", random_state=0)
            machine = fitted(machine, latent[train, None], label[train])
            accuracy[i, j] = (machine.predict(latent[test, None]) == label[test]).mean()
    return accuracy
