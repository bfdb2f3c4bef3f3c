"""Disentanglement, completeness and informativeness (DCI)."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.stats import binom
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import Lasso
from sklearn.utils.parallel import Parallel, delayed

from distaff.metrics.labelled_codes import Judgement, labelled_codes
from distaff.metrics.prediction import fitted, standardized, train_and_test_rows
from distaff.score import Active, Array, Score

TREES = 10
SMALLEST_LEAF = 1 / 128
"""Share of the rows. Smaller leaves fit the noise of a code and call each latent important."""
LASSO_PENALTY = 0.02
LEAST_EXPLAINED = 0.01
"""Share of the variance of a factor, below which a linear regression knows nothing of it."""
LUCK = 1e-4
"""Probability below which guesses in random order do not explain an accuracy."""
REFERENCE_ROWS = 1_000
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


def dci(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    backend: str | None = None,
    compat: str | None = None,
    num_train: int | None = None,
    num_test: int | None = None,
    jobs: int = -1,
    seed: int = 0,
    repeats: int | None = None,
) -> Score:
    """Asks whether each latent matters for one factor only (D) and each factor for one latent (C).

    A predictor learns each factor from all latents; R_ij is how much latent i mattered to factor j.
    With entropies to the base of the number of outcomes,

        D = sum over i of w_i (1 - H(R_i. / sum_j R_ij)),   w_i = sum_j R_ij / sum_ij R_ij,
        C = sum over j of u_j (1 - H(R_.j / sum_i R_ij)),   u_j = sum_i R_ij / sum_ij R_ij,

    and the informativeness I is the accuracy on rows it has not seen, mean over the factors. The
    value is D. Range 0 to 1, best value 1; chance near 0 for D and C, the frequency of the most
    frequent value for I. Read D and C beside I: they ask only about the factors that are known. D
    does not mind that several latents tell one factor, C does not mind that one latent tells
    several.

    The importances of a factor add up to 1, but those of a factor of which the predictor knows
    nothing are 0: where the same guesses in random order are right as often, more than once in
    10,000 times. The paper counts them, so that what is merely guessed, from all latents alike, is
    held against the latents.

    R depends on the predictor, which `backend` names:

    - "extra-trees", the default: 10 extremely randomised trees (Geurts, Ernst, Wehenkel 2006), with
      at least 1/128 of the rows in a leaf; importance by impurity. The others with smaller leaves
      find every latent important where the code is noisy.
    - "random-forest": the same with 10 bootstrapped trees and the best cuts, five times as long.
    - "boosted-trees": `GradientBoostingClassifier()`, the predictor of disentanglement_lib. Minutes
      for 10,000 rows, so the factors are spread over the cores (which changes no number), chance
      and ceiling are learnt from 1,000 rows, and there is no interval by default.
    - "lightgbm": boosted trees of that package, which has to be installed, importance by gain;
      treated like "boosted-trees", close to it but not equal, and many times as fast.
    - "lasso": |coefficients| of a linear regression of the factor's normal scores, penalty 0.02,
      all 0 for a factor of which it explains less than 1 %; I is the share of variance explained,
      at least 0. It takes factors for ordered.

    Codes are normal scores (see `metrics/prediction.py`), two thirds of the rows train. A dead
    latent, one of a single value, takes no part. It differs from the paper in the predictors and in
    that I is an accuracy, not an error.

    With `compat="disentanglement_lib"` it is the number of that library, with what is peculiar to
    it: boosted trees on raw codes; factors count that are not known; dead latents count in the base
    of the entropy of C; 1e-11 is added to R in the entropies (here too). It differs by the order in
    which equal cuts are tried, random there and seeded here, which moves D by some 0.001. What
    scikit-learn has changed in its boosting since 2020, in the steps of the loss for one, cannot be
    undone.

    Args:
        codes: the representation of each image, for a VAE its posterior mean.
        factors: index of the value of each factor, or its value where it is continuous.
        factor_names: for the names of the parts; by default `factor 0` and so on.
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; by default all
            discrete. A continuous one is cut into cells of equal frequency.
        active: for each latent whether it counts; by default all do. One that does not is treated
            as a dead one.
        backend: one of those above; by default "extra-trees", with `compat` "boosted-trees".
        compat: None or "disentanglement_lib".
        num_train: with `compat`, how many rows from the first on train; by default 10,000, or two
            thirds of fewer than 15,000.
        num_test: with `compat`, how many of the next rows test; by default 5,000, or the rest.
        jobs: processes for the boosted trees, also those of lightgbm; -1 for one a core.
        seed: of the split, the trees, the halves and the shuffling.
        repeats: random halves of the rows from which the interval is taken; by default 5, and none
            for boosted trees.

    Returns:
        Value with 95 % interval; as parts D, C, I, the accuracy of each factor, and the number of
        dead latents; chance and ceiling of D, from shuffled factors and from the factors as codes;
        relation R, [latent, factor].

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, fewer than two factors with two
            values, an unknown kind, backend or `compat`.
        ModuleNotFoundError: "lightgbm" without that package.

    Reference: Eastwood, Williams 2018, "A framework for the quantitative evaluation of disentangled
    representations", ICLR.
    """
    backend = _checked_backend(backend, compat)
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active, compat=compat)
    data.check_two_factors("dci")
    slow = backend in SLOW
    repeats = (0 if slow else 5) if repeats is None else repeats

    def judge(codes: Array, labels: Array, most: int | None = None) -> Judgement:
        rows = train_and_test_rows(codes, compat, num_train, num_test, seed)
        inputs = codes if compat else standardized(codes)
        relation, accuracies = importances(
            inputs,
            labels,
            (rows[0][:most], rows[1]),
            backend,
            seed,
            jobs,
            only_known=compat is None,
        )
        live = relation if compat else relation[np.ptp(codes, axis=0) > 0]
        return Judgement(
            value=concentration(live),
            parts={
                "disentanglement": concentration(live),
                "completeness": concentration(live.T),
                "informativeness": float(accuracies.mean()),
                **data.by_factor(accuracies),
            },
            relation=relation,
        )

    return data.score(
        judge,
        estimator=f"{backend} on {'raw codes' if compat else 'normal scores'}",
        seed=seed,
        repeats=repeats,
        cheaper=partial(judge, most=REFERENCE_ROWS) if slow else None,
    )


def _checked_backend(backend: str | None, compat: str | None) -> str:
    offered = ("boosted-trees",) if compat else BACKENDS
    backend = backend or offered[0]
    if backend not in offered:
        raise ValueError(f"backend={backend!r} is not offered here; give {' or '.join(offered)}")
    return backend


def importances(
    codes: Float[np.ndarray, "sample latent"],
    labels: Int[np.ndarray, "sample factor"],
    rows: tuple[Array, Array],
    backend: str,
    seed: int,
    jobs: int = 1,
    *,
    only_known: bool = True,
) -> tuple[Float[np.ndarray, "latent factor"], Float[np.ndarray, " factor"]]:
    """Returns R and the informativeness of each factor.

    Args:
        codes: raw or standardised.
        labels: of the varying factors.
        rows: those that train and those that test.
        backend: see `dci`.
        seed: of the trees.
        jobs: processes for the slow backends.
        only_known: whether a factor of which the predictor knows nothing has importances of 0.
    """
    learn = _regression if backend == "lasso" else partial(_classification, backend, only_known)
    train, test = rows
    tasks = [(codes[train], label[train], codes[test], label[test], seed) for label in labels.T]
    # those of many values first, which take longest
    order = np.argsort([-label.max() for label in labels.T], kind="stable")
    parallel = Parallel(n_jobs=jobs if backend in SLOW else 1)
    answers = parallel(delayed(learn)(*tasks[k]) for k in order)
    matrix, success = np.empty((codes.shape[1], len(tasks))), np.empty(len(tasks))
    for k, (importance, accuracy) in zip(order, answers, strict=True):
        matrix[:, k], success[k] = importance, accuracy
    return matrix, success


def concentration(matrix: Float[np.ndarray, "row column"]) -> float:
    """Returns how far each row is about one column, weighted by row: D of R, and C of R'."""
    columns, total = matrix.shape[1], matrix.sum()
    if total == 0 or columns == 1:
        return float(total > 0)
    share = matrix + TINY
    share = share / share.sum(axis=1, keepdims=True)
    spread = -(share * np.log(share)).sum(axis=1) / np.log(columns)
    return max(0.0, float((matrix.sum(axis=1) / total) @ (1 - spread)))


def _classification(
    backend: str,
    only_known: bool,
    train: Array,
    labels: Array,
    test: Array,
    truth: Array,
    seed: int,
) -> tuple[Array, float]:
    classifier = fitted(CLASSIFIERS[backend](seed), train, labels)
    guess = classifier.predict(test)
    importance = np.abs(classifier.feature_importances_)
    if only_known and _may_be_luck(guess, truth):
        importance = np.zeros_like(importance)
    return importance / max(importance.sum(), TINY), float((guess == truth).mean())


def _may_be_luck(guess: Int[np.ndarray, " test"], truth: Int[np.ndarray, " test"]) -> bool:
    number, values = len(truth), max(guess.max(), truth.max()) + 1
    # share of right ones where guess and truth are unrelated, as in Cohen's kappa
    chance = np.bincount(guess, minlength=values) @ np.bincount(truth, minlength=values) / number**2
    return bool(binom.sf((guess == truth).sum() - 1, number, chance) > LUCK)


def _regression(
    train: Array, labels: Array, test: Array, truth: Array, seed: int
) -> tuple[Array, float]:
    target = standardized(np.concatenate([labels, truth])[:, None])[:, 0]
    learnt, wanted = target[: len(labels)], target[len(labels) :]
    lasso = fitted(Lasso(LASSO_PENALTY, random_state=seed), train, learnt)
    explained = 1 - float(((lasso.predict(test) - wanted) ** 2).mean() / max(wanted.var(), TINY))
    importance = np.abs(lasso.coef_) * (explained > LEAST_EXPLAINED)
    return importance, max(0.0, explained)
