"""The unsupervised disentanglement ranking (UDR)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num
from scipy.stats import rankdata
from sklearn.linear_model import Lasso

from distaff.arrays import Array
from distaff.metrics.arrays import checked_codes
from distaff.metrics.prediction.classifiers import fitted
from distaff.metrics.published.compat import check_compat, training_rows
from distaff.metrics.randomness import stream
from distaff.metrics.score import Score
from distaff.metrics.scoring import Reading, random_halves, score_of

LEAST_DIVERGENCE = 0.01
LASSO_PENALTY = 0.1
BY_CHANCE = 3.3
"""Times 1 / sqrt(n): what the correlation of two unrelated latents exceeds once in a thousand."""


def udr(
    codes: Sequence[Float[np.ndarray, "_ _"]],
    factors: Num[np.ndarray, "sample factor"] | None = None,
    *,
    kl: Sequence[Float[np.ndarray, " _"]] | None = None,
    compat: str | None = None,
    num_train: int | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> Score:
    """Asks, without any factor, whether models that differ by their seed found the same latents.

    For two models, with R_ab the absolute rank correlation of latent a of one and b of the other,

        UDR = (sum over b of max_a R_ab^2 / sum_a R_ab
               + sum over a of max_b R_ab^2 / sum_b R_ab) / (d_a + d_b),

    with d the numbers of latents that take part. A model's score is the median over the other
    models, and the value is the mean over the models. Range 0 to 1, best value 1, chance near 0.
    What entangles all models in the same way goes unnoticed, as does a factor that none has found:
    compare models of one kind that differ by seed, and only the scores of one data set.

    A latent takes part unless it is dead, of a single value, or `kl` is given and says that it
    tells less than 0.01 nats: without `kl`, a latent of noise counts as one that no other model
    has. R is that of Spearman, with plain ranks: values that differ by rounding alone have ranks as
    far apart as any. It is 0 below 3.3 / sqrt(n), which unrelated latents exceed once in a
    thousand; so the same code twice scores 1 if its latents are independent. It differs from the
    published code in that limit, and in the lasso as its default.

    With `compat="disentanglement_lib"` it is the number of that library, with its quirks:
    R are the absolute coefficients of `Lasso(alpha=0.1)`, which caps the same code twice at
    0.9; the means over a and b are averaged, whatever their numbers; latents below 0.01 nats are
    left out by `kl` only, and a dead one without it counts as one that no other model has. The
    lasso is solved to scikit-learn's tolerance, so versions agree to about four digits.

    Options:
        codes: the representation of the same images by each model, a table for each.
        factors: not used; accepted so that all scores take the same arguments.
        kl: mean KL divergence of each latent from its prior, in nats, an array for each model.

    Parts: the score of each model. Chance: from rows shuffled in each model. Ceiling: from one code
    of independent latents, as many as the first model has, for all. Relation: the score of each two
    models, [model, model], with zeros on the diagonal. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: fewer than two tables, tables of different length, NaN, too few rows, `kl` of
            another shape, or an unknown `compat`.

    Reference: Duan, Matthey, Saraiva, Watters, Burgess, Lerchner, Higgins 2020, "Unsupervised
    model selection for variational disentangled representation learning", arXiv:1905.12614.
    """
    del factors
    check_compat(compat, num_train)
    tables = _checked_tables(codes)
    informative = _informative(tables, kl)
    if compat:
        rows = training_rows(len(tables[0]), num_train)
        tables = [table[rows] for table in tables]
    live = [np.ptp(table, axis=0) > 0 for table in tables]
    taking_part = [a if compat else a & b for a, b in zip(informative, live, strict=True)]
    count, latents = tables[0].shape
    tables = [table[:, part] for table, part in zip(tables, taking_part, strict=True)]

    def value(tables: Sequence[Array]) -> float:
        return float(_of_models(_all_pairs(tables, compat)).mean())

    generator = stream(seed, "udr")
    whole = _all_pairs(tables, compat)
    models = _of_models(whole)
    parts = {f"model {i}": float(score) for i, score in enumerate(models)}
    return score_of(
        Reading(float(models.mean()), parts, whole),
        [value([table[rows] for table in tables]) for rows in random_halves(count, repeats, seed)],
        chance=value([generator.permutation(table) for table in tables]),
        ceiling=value([np.asarray(generator.standard_normal((count, latents)))] * len(tables)),
        estimator=f"{'lasso' if compat else 'Spearman'}, {len(tables)} models, {count} images",
        dead=int(sum((~alive).sum() for alive in live)),
    )


def _checked_tables(codes: Sequence[Array]) -> list[Array]:
    tables = [checked_codes(table) for table in codes]
    if len(tables) < 2 or len({len(table) for table in tables}) > 1:
        raise ValueError(
            f"codes are {len(tables)} tables of {[len(table) for table in tables]} rows; give two "
            f"or more, one for each model, with a row for each of the same images"
        )
    return tables


def _informative(tables: Sequence[Array], kl: Sequence[Array] | None) -> list[Array]:
    if kl is None:
        return [np.ones(table.shape[1], dtype=bool) for table in tables]
    shapes = [np.shape(divergence) for divergence in kl]
    if shapes != [table.shape[1:] for table in tables]:
        raise ValueError(
            f"kl has the shapes {shapes}; give an array for each of {len(tables)} models, of "
            f"{[table.shape[1] for table in tables]} latents"
        )
    return [np.asarray(divergence) > LEAST_DIVERGENCE for divergence in kl]


def _of_models(pairs: Float[np.ndarray, "model model"]) -> Float[np.ndarray, " model"]:
    """Returns the median of each column without its diagonal."""
    others = ~np.eye(len(pairs), dtype=bool)
    return np.array([np.median(pairs[others[:, i], i]) for i in range(len(pairs))])


def _all_pairs(tables: Sequence[Array], compat: str | None) -> Float[np.ndarray, "model model"]:
    """Returns the score of each two models."""
    scaled = [_unit_variance(table if compat else rankdata(table, axis=0)) for table in tables]
    result = np.zeros((len(tables), len(tables)))
    for i, first in enumerate(scaled):
        for j, second in enumerate(scaled):
            if i == j or not first.shape[1] or not second.shape[1]:
                continue
            if compat:
                lasso = fitted(Lasso(alpha=LASSO_PENALTY), first, second)
                relation = np.abs(lasso.coef_).reshape(second.shape[1], -1).T
                result[i, j] = np.mean([_strengths(relation, axis).mean() for axis in (0, 1)])
            else:
                relation = np.abs(first.T @ second) / len(first)
                relation[relation < BY_CHANCE / np.sqrt(len(first))] = 0
                result[i, j] = np.concatenate([_strengths(relation, k) for k in (0, 1)]).mean()
    return result


def _strengths(relation: Float[np.ndarray, "first second"], axis: int) -> Array:
    """Returns the squared maximum over the sum along an axis, 0 where all are 0."""
    total = relation.sum(axis=axis)
    return np.where(total > 0, relation.max(axis=axis) ** 2 / np.where(total > 0, total, 1), 0.0)


def _unit_variance(codes: Array) -> Array:
    spread = codes.std(axis=0)
    return np.asarray((codes - codes.mean(axis=0)) / np.where(spread > 0, spread, 1))
