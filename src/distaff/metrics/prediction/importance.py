"""How much each latent matters to the prediction of each factor: the matrix R of DCI."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import norm
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import Lasso
from sklearn.utils.parallel import Parallel, delayed

from distaff.arrays import Array
from distaff.metrics.prediction.classifiers import fitted, order_by_content, standardized

TREES = 10
SMALLEST_LEAF = 1 / 128
"""Share of the rows. Smaller leaves fit the noise of a code."""
LASSO_PENALTY = 0.02
LEAST_EXPLAINED = 0.01
"""Share of the variance of a factor, below which a linear regression knows nothing of it."""
LUCK = 1e-4
"""Probability below which guesses in random order do not explain a success."""
TINY = 1e-11

CLASSIFIERS: dict[str, Callable[[int], Any]] = {
    "extra-trees": lambda seed: ExtraTreesClassifier(
        TREES, max_features=None, min_samples_leaf=SMALLEST_LEAF, random_state=seed
    ),
    "random-forest": lambda seed: RandomForestClassifier(
        TREES, max_features=None, min_samples_leaf=SMALLEST_LEAF, random_state=seed
    ),
    "boosted-trees": lambda seed: GradientBoostingClassifier(random_state=seed),
    "lightgbm": lambda seed: import_module("lightgbm").LGBMClassifier(
        importance_type="gain", random_state=seed, n_jobs=1, verbose=-1
    ),
}
SLOW = ("boosted-trees", "lightgbm")
BACKENDS = (*CLASSIFIERS, "lasso")


class _Rows(NamedTuple):
    """What a predictor learns a factor from, or is tested on."""

    codes: Float[np.ndarray, "row latent"]
    labels: Int[np.ndarray, " row"]


def importances(
    codes: Float[np.ndarray, "sample latent"],
    labels: Int[np.ndarray, "sample factor"],
    rows: tuple[Array, Array],
    backend: str,
    seed: int,
    jobs: int = 1,
    *,
    published: bool = False,
) -> tuple[Float[np.ndarray, "latent factor"], Float[np.ndarray, " factor"]]:
    """Returns R and the informativeness of each factor.

    Args:
        codes: raw or standardised.
        labels: of the varying factors.
        rows: those that train and those that test.
        backend: see `dci`.
        seed: of the trees.
        jobs: processes for the slow backends.
        published: whether a factor of which the predictor knows nothing has importances all the
            same, and the place of a latent decides how ties fall.
    """
    learn = _regression if backend == "lasso" else partial(_classification, backend, published)
    order = np.arange(codes.shape[1]) if published else order_by_content(codes)
    sorted_codes = codes[:, order]
    train, test = (_part(sorted_codes, labels, part) for part in rows)
    # those of many values first, which take longest
    sequence = np.argsort([-label.max() for label in labels.T], kind="stable")
    parallel = Parallel(n_jobs=jobs if backend in SLOW else 1)
    answers = parallel(delayed(learn)(train[k], test[k], seed) for k in sequence)
    matrix, success = np.empty((codes.shape[1], labels.shape[1])), np.empty(labels.shape[1])
    for k, (importance, accuracy) in zip(sequence, answers, strict=True):
        matrix[order, k], success[k] = importance, accuracy
    return matrix, success


def _part(codes: Array, labels: Array, rows: Array) -> list[_Rows]:
    """Returns for each factor the codes and labels of some rows."""
    some = codes[rows]
    return [_Rows(some, label) for label in labels[rows].T]


def _classification(
    backend: str, published: bool, train: _Rows, test: _Rows, seed: int
) -> tuple[Array, float]:
    if np.ptp(train.labels) == 0:  # a half of the rows may have one value of a rare factor only
        return np.zeros(train.codes.shape[1]), float((test.labels == train.labels[0]).mean())
    classifier = fitted(CLASSIFIERS[backend](seed), train.codes, train.labels)
    probability = np.zeros((len(test.labels), 1 + max(train.labels.max(), test.labels.max())))
    probability[:, classifier.classes_] = classifier.predict_proba(test.codes)
    accuracy = float((probability.argmax(axis=1) == test.labels).mean())
    if not published and _may_be_luck(probability, test.labels):
        return np.zeros(train.codes.shape[1]), accuracy
    if backend in SLOW:
        importance = np.asarray(classifier.feature_importances_, dtype=np.float64)
    else:
        importance = held_out_importance(classifier, test.codes, test.labels)
    return importance / max(importance.sum(), TINY), accuracy


def held_out_importance(
    forest: Any, codes: Float[np.ndarray, "row latent"], labels: Int[np.ndarray, " row"]
) -> Float[np.ndarray, " latent"]:
    """Returns how much the cuts of each latent raise the probability of the true value.

    A cut sends a row to a node in which the value v had the share p'(v) of the training rows, from
    one in which it had p(v). The importance of a latent is the mean over rows and trees of the sum
    of p'(v) - p(v) over the cuts of the latent that the row meets, with v its true value, and at
    least 0. On the rows that train this is the usual importance by Gini impurity, which grows with
    every cut, those of noise included; on others the cuts of noise add 0 on average (Li, Wang,
    Basu, Kumbier, Yu 2019, "A debiased MDI feature importance measure for random forests",
    arXiv:1906.10845).

    Args:
        forest: of scikit-learn, fitted to other rows.
        codes: of rows that it has not seen.
        labels: the true values; one that the forest has never seen counts nothing.
    """
    total = np.zeros(codes.shape[1])
    known = np.isin(labels, forest.classes_)
    value = np.searchsorted(forest.classes_, labels[known])
    narrow = codes[known].astype(np.float32)
    for estimator in forest.estimators_:
        tree = estimator.tree_
        share = tree.value[:, 0]
        inner = np.flatnonzero(tree.children_left >= 0)
        parent = np.zeros(tree.node_count, dtype=np.int64)
        parent[tree.children_left[inner]] = parent[tree.children_right[inner]] = inner
        place = tree.apply(narrow) * share.shape[1] + value
        count = np.bincount(place, minlength=share.size).reshape(share.shape)
        for node in range(len(parent) - 1, 0, -1):  # a node comes after its parent
            count[parent[node]] += count[node]
        gain = ((share - share[parent]) * count).sum(axis=1)
        total += np.bincount(tree.feature[parent[1:]], gain[1:], minlength=len(total))
    return np.maximum(total / (len(labels) * len(forest.estimators_)), 0)


def _may_be_luck(
    probability: Float[np.ndarray, "row value"], labels: Int[np.ndarray, " row"]
) -> bool:
    """Whether these probabilities in random order would give the true values as much.

    The sum over rows of the probability of the true value is compared with its distribution under
    all orders of the labels, nearly normal with a variance known in closed form (Hoeffding 1951,
    "A combinatorial central limit theorem", Annals of Mathematical Statistics 22(4)).
    """
    number, values = probability.shape
    frequency = np.bincount(labels, minlength=values) / number
    centred = probability - probability.mean(axis=0)
    centred -= (centred @ frequency)[:, None]
    success = centred[np.arange(number), labels].sum()
    variance = (centred**2 @ frequency).sum() * number / (number - 1)
    return bool(success <= norm.isf(LUCK) * np.sqrt(variance))


def _regression(train: _Rows, test: _Rows, seed: int) -> tuple[Array, float]:
    target = standardized(np.concatenate([train.labels, test.labels])[:, None])[:, 0]
    learnt, wanted = target[: len(train.labels)], target[len(train.labels) :]
    lasso = fitted(Lasso(LASSO_PENALTY, random_state=seed), train.codes, learnt)
    residual = lasso.predict(test.codes) - wanted
    explained = 1 - float((residual**2).mean() / max(wanted.var(), TINY))
    importance = np.abs(lasso.coef_) * (explained > LEAST_EXPLAINED)
    return importance, max(0.0, explained)
