"""How much several latents together tell of a factor, bounded from below by predictors.

A predictor q of a factor v from latents z proves that these tell of it at least

    I(z; v) >= H(v) - E[-log q(v | z)],

the expectation over rows it has not seen. Two predictors are asked and the better one counts:
linear discriminant analysis, which sees through any rotation, and extremely randomised trees, which
see what only several latents together tell, as an exclusive or.

Latents are standardised as they are, since ranks would bend the axes of a rotated code, after their
outermost 0.5 % on each side are drawn in (see `metrics/tails.py`).
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve
from scipy.special import log_softmax
from sklearn.ensemble import ExtraTreesClassifier

from distaff.arrays import Array
from distaff.metrics.tails import drawn_in

TREES = 20
LEAF = 1 / 512
"""Share of the rows that train, at least, in a leaf."""
NARROWEST = 0.01
"""Least standard deviation of standardised latents within a value."""


def share_told(
    codes: Float[np.ndarray, "sample latent"],
    label: Int[np.ndarray, " sample"],
    rows: tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]],
    seed: int,
) -> float:
    """Returns how much of a factor the latents tell the better predictor, from 0 to 1.

    See `losses_of_predictors` for the arguments.
    """
    none, *predictors = losses_of_predictors(codes, label, rows, seed).mean(axis=1)
    return max(0.0, 1 - float(min(predictors) / none))


def losses_of_predictors(
    codes: Float[np.ndarray, "sample latent"],
    label: Int[np.ndarray, " sample"],
    rows: tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]],
    seed: int,
) -> Float[np.ndarray, "3 test"]:
    """Returns -log q(v | z) of the test rows in nats: of no latents, and of two predictors.

    To each predictor's probabilities 1 / rows of the frequencies is mixed, so that no row outweighs
    the others.

    Args:
        codes: latents, at least one.
        label: the index of the value of the factor in each row.
        rows: those that train and those that test.
        seed: of the trees.
    """
    train, test = rows
    codes = _standardized(codes)
    # a value that no row trains has the odds of one that half a row has
    counts = np.maximum(np.bincount(label[train], minlength=label.max() + 1), 0.5)
    frequency = np.log(counts / counts.sum())
    told = [np.broadcast_to(frequency, (len(test), len(frequency)))]
    for predict in (_discriminant, _trees):
        found = predict(codes[train], label[train], codes[test], frequency, seed)
        rest = 1 / len(train)
        told.append(np.logaddexp(found + np.log1p(-rest), frequency + np.log(rest)))
    return -np.array([table[np.arange(len(test)), label[test]] for table in told])


def _standardized(codes: Array) -> Array:
    inner = drawn_in(codes)
    spread = inner.std(axis=0)
    return np.asarray((inner - inner.mean(axis=0)) / np.where(spread > 0, spread, 1))


def _discriminant(
    train: Array, label: Array, test: Array, frequency: Array, seed: int
) -> Float[np.ndarray, "test value"]:
    """Bayes' rule with a normal distribution within each value, all of the same covariance."""
    del seed
    sums = np.zeros((len(frequency), train.shape[1]))
    np.add.at(sums, label, train)
    means = sums / np.maximum(np.bincount(label, minlength=len(frequency)), 1)[:, None]
    within = train - means[label]
    covariance = within.T @ within / len(train) + NARROWEST**2 * np.eye(train.shape[1])
    weights = cho_solve(cho_factor(covariance), means.T)
    logits = test @ weights - (means * weights.T).sum(axis=1) / 2 + frequency
    return np.asarray(log_softmax(logits, axis=1))


def _trees(
    train: Array, label: Array, test: Array, frequency: Array, seed: int
) -> Float[np.ndarray, "test value"]:
    trees = ExtraTreesClassifier(
        TREES, max_features=None, min_samples_leaf=LEAF, random_state=seed
    ).fit(train, label)
    result = np.full((len(test), len(frequency)), -np.inf)
    with np.errstate(divide="ignore"):  # no chance at all is mixed with the frequencies
        result[:, trees.classes_] = np.log(trees.predict_proba(test))
    return result
