"""Disentanglement, completeness and informativeness (DCI)."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.prediction.classifiers import splitting, standardized
from distaff.metrics.prediction.importance import BACKENDS, SLOW, TINY, importances
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading

REFERENCE_ROWS = 1_000


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
    nothing are 0: where its probabilities in random order would suit the factor as well, more than
    once in 10,000 times. The paper counts them, so that what is merely guessed, from all latents
    alike, is held against the latents.

    R depends on the predictor, which `backend` names:

    - "extra-trees", the default: 10 extremely randomised trees (Geurts, Ernst, Wehenkel 2006), with
      at least 1/128 of the rows in a leaf. The importance of a latent is how much its cuts raise
      the probability of the true value on the rows that test (Li et al. 2019, arXiv:1906.10845).
      On the rows that train every cut seems to help, those of noise included, and D of a noisy code
      climbs for tens of thousands of rows; so it is within 0.05 of its limit from 3,000.
    - "random-forest": the same with 10 bootstrapped trees and the best cuts, five times as long.
    - "boosted-trees": `GradientBoostingClassifier()`, the predictor of disentanglement_lib, with
      its importance by impurity on the rows that train. Minutes for 10,000 rows, so the factors
      are spread over the cores (which changes no number), chance and ceiling are learnt from 1,000
      rows, and there is no interval by default.
    - "lightgbm": boosted trees of that package, which has to be installed, importance by gain;
      treated like "boosted-trees", close to it but not equal, and many times as fast.
    - "lasso": |coefficients| of a linear regression of the factor's normal scores, penalty 0.02,
      all 0 for a factor of which it explains less than 1 %; I is the share of variance explained,
      at least 0. It takes factors for ordered.

    Codes are normal scores (see `metrics/prediction/classifiers.py`), two thirds of the rows train.
    A dead latent, one of a single value, takes no part. It differs from the paper in the
    predictors, in the importance of their latents, and in that I is an accuracy, not an error.

    With `compat="disentanglement_lib"` it is the number of that library, with its quirks:
    boosted trees on raw codes; factors count that are not known; dead latents count in the base
    of the entropy of C; 1e-11 is added to R in the entropies (here too). It differs by the order in
    which equal cuts are tried, random there and seeded here, which moves D by some 0.001. What
    scikit-learn has changed in its boosting since 2020, in the steps of the loss for one, cannot be
    undone.

    Options:
        backend: one of those above; by default "extra-trees", with `compat` "boosted-trees".
        jobs: processes for the boosted trees, also those of lightgbm; -1 for one a core.
        repeats: random halves of the rows, from which the interval is taken: where the score of
            another draw of as many images would lie, the training of classifiers included. By
            default 5, and none for boosted trees.

    Parts: D, C, I, the accuracy of each factor. Relation: R, [latent, factor]. All else as in
    `metrics/scoring.py`.

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
    rows_read, split = splitting(data.codes, compat, num_train, num_test, seed)
    data = data.part(rows_read)
    slow = backend in SLOW
    repeats = (0 if slow else 5) if repeats is None else repeats

    def read(codes: Array, labels: Array, most: int | None = None) -> Reading:
        rows = split(codes)
        inputs = codes if compat else standardized(codes)
        relation, accuracies = importances(
            inputs,
            labels,
            (rows[0][:most], rows[1]),
            backend,
            seed,
            jobs,
            published=compat is not None,
        )
        live = relation if compat else relation[np.ptp(codes, axis=0) > 0]
        return Reading(
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
        read,
        estimator=f"{backend} on {'raw codes' if compat else 'normal scores'}",
        seed=seed,
        repeats=repeats,
        in_order=compat is not None,
        cheaper=partial(read, most=REFERENCE_ROWS) if slow else None,
    )


def _checked_backend(backend: str | None, compat: str | None) -> str:
    offered = ("boosted-trees",) if compat else BACKENDS
    backend = backend or offered[0]
    if backend not in offered:
        raise ValueError(f"backend={backend!r} is not offered here; give {' or '.join(offered)}")
    return backend


def concentration(matrix: Float[np.ndarray, "row column"]) -> float:
    """Returns how far each row is about one column, weighted by row: D of R, and C of R'."""
    columns, total = matrix.shape[1], matrix.sum()
    if total == 0 or columns == 1:
        return float(total > 0)
    share = matrix + TINY
    share = share / share.sum(axis=1, keepdims=True)
    spread = -(share * np.log(share)).sum(axis=1) / np.log(columns)
    return max(0.0, float((matrix.sum(axis=1) / total) @ (1 - spread)))
