"""Explicitness and size, which DCI-ES adds to DCI."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Num

from distaff.arrays import Array
from distaff.metrics.dci import concentration
from distaff.metrics.labelled_codes import LabelledCodes, labelled_codes
from distaff.metrics.prediction.classifiers import (
    order_by_content,
    standardized,
    train_and_test_rows,
)
from distaff.metrics.prediction.importance import BACKENDS, importances
from distaff.metrics.published.compat import check_compat
from distaff.metrics.randomness import stream
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading

WAVES = (0, 16, 64, 256)
"""Random Fourier features that each probe has beside the latents: equal steps of capacity, after
the first, in the logarithm."""
RIDGE = 1e-4


def dci_es(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 10,
) -> Score:
    """Asks how simple a probe can be that reads the factors from the code: the explicitness E.

    Probes of growing capacity t = 1..T learn each factor. With l_t the lowest loss of the first t,
    the area under the curve of loss against capacity is compared with that of a guess,

        E = 1 - sum over t < T of (l_t + l_{t+1}) / 2 / (T - 1),

    averaged over the factors. Range 0 to 1: 1 where the simplest probe reads every factor without
    error, 1/2 where the loss falls in a straight line from that of a guess to 0, chance 0. It does
    not ask for disentanglement. The size S = min(1, factors / latents) is among the parts, with
    the disentanglement, completeness and informativeness of `dci`.

    The probes are linear in the latents and in 0, 16, 64 or 256 random Fourier features
    cos(w'z + b), fitted in closed form (linear discriminants). The loss is the share of errors on
    rows they have not seen over that of guessing the most frequent value, at most 1. Codes are
    normal scores (see `metrics/prediction/classifiers.py`), two thirds of the rows train. A dead
    latent, one of a single value, takes no part and adds nothing to the size. The paper measures
    the area above the lowest loss that any probe reaches and divides by half the area of a guess;
    by that, noise is perfectly explicit. Where the last probe makes no error, its E is 2 E - 1 of
    the one here.

    Parts: E of each factor, disentanglement, completeness, informativeness, size. Relation: the
    importances of `dci`, [latent, factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, fewer than two factors with two
            values, an unknown kind, or any `compat`.

    Reference: Eastwood, Nicolicioiu, von Kügelgen, Kekić, Träuble, Dittadi, Schölkopf 2023,
    "DCI-ES: an extended disentanglement framework with connections to identifiability", ICLR.
    """
    check_compat(compat, offered=False)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active, compat=compat)
    data.check_two_factors("dci_es")
    relation, framework = _framework(data, seed)

    def read(codes: Array, labels: Array) -> Reading:
        scores = standardized(codes[:, np.ptp(codes, axis=0) > 0])
        scores = scores[:, order_by_content(scores)]
        rows = train_and_test_rows(codes, None, None, None, seed)
        each = _explicitness(_errors(scores, labels, rows, seed), _guess_errors(labels, rows))
        return Reading(
            value=float(each.mean()),
            parts={**data.by_factor(each), **framework},
            relation=relation,
        )

    return data.score(
        read,
        estimator=f"linear discriminants of {', '.join(map(str, WAVES))} random Fourier features",
        seed=seed,
        repeats=repeats,
    )


def _framework(
    data: LabelledCodes, seed: int
) -> tuple[Float[np.ndarray, "latent factor"], dict[str, float]]:
    """Returns the importances and what they say, and the size."""
    rows = train_and_test_rows(data.codes, None, None, None, seed)
    relation, accuracies = importances(
        standardized(data.codes), data.labels, rows, BACKENDS[0], seed
    )
    live = relation[~data.dead]
    return relation, {
        "disentanglement": concentration(live),
        "completeness": concentration(live.T),
        "informativeness": float(accuracies.mean()),
        "size": min(1.0, len(data.names) / max(1, len(live))),
    }


def _explicitness(
    wrong: Float[np.ndarray, "probe factor"], guessed: Float[np.ndarray, " factor"]
) -> Float[np.ndarray, " factor"]:
    """Returns E of each factor from the errors of the probes and of the guess."""
    lowest = np.minimum.accumulate(np.minimum(wrong / guessed, 1), axis=0)
    return np.asarray(1 - (lowest[:-1] + lowest[1:]).mean(axis=0) / 2)


def _guess_errors(
    labels: Int[np.ndarray, "sample factor"], rows: tuple[Array, Array]
) -> Float[np.ndarray, " factor"]:
    """Returns the share that the most frequent value has wrong, at least that of one row."""
    frequent = [np.bincount(label).argmax() for label in labels[rows[0]].T]
    wrong = (labels[rows[1]] != frequent).mean(axis=0)
    return np.asarray(np.maximum(wrong, 1 / len(rows[1])))


def _errors(
    scores: Float[np.ndarray, "sample latent"],
    labels: Int[np.ndarray, "sample factor"],
    rows: tuple[Array, Array],
    seed: int,
) -> Float[np.ndarray, "probe factor"]:
    """Returns the share of the test rows that each probe has wrong."""
    features = np.hstack([scores, _waves(scores, seed)])
    train, test = features[rows[0]], features[rows[1]]
    center = train.mean(axis=0)
    train, test = train - center, test - center
    scatter = train.T @ train / len(train) + RIDGE * np.eye(train.shape[1])
    wrong = np.empty((len(WAVES), labels.shape[1]))
    for k, label in enumerate(labels.T):
        learnt, truth = label[rows[0]], label[rows[1]]
        number = np.bincount(learnt)
        mean = (learnt == np.arange(len(number))[:, None]) @ train / np.maximum(number, 1)[:, None]
        within = scatter - mean.T @ (mean * number[:, None]) / len(train)
        with np.errstate(divide="ignore"):  # a value that no training row has is never guessed
            prior = np.log(number / len(train))
        for t, waves in enumerate(WAVES):
            used = scores.shape[1] + waves
            weights = np.linalg.solve(within[:used, :used], mean[:, :used].T)
            level = prior - 0.5 * (mean[:, :used].T * weights).sum(axis=0)
            guess = (test[:, :used] @ weights + level).argmax(axis=1)
            wrong[t, k] = (guess != truth).mean()
    return wrong


def _waves(
    scores: Float[np.ndarray, "sample latent"], seed: int
) -> Float[np.ndarray, "sample wave"]:
    """Returns random Fourier features of a Gaussian kernel as wide as the code."""
    generator = stream(seed, "random Fourier features")
    latents = max(1, scores.shape[1])
    frequencies = generator.normal(size=(scores.shape[1], WAVES[-1])) / np.sqrt(latents)
    phases = generator.uniform(0, 2 * np.pi, size=WAVES[-1])
    return np.asarray(np.cos(scores @ frequencies + phases) * np.sqrt(2))
