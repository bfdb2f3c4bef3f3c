"""InfoMEC: modularity, explicitness and compactness by information."""

import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from distaff.metrics.arrays import checked
from distaff.metrics.compat import check_compat
from distaff.metrics.information import discretized
from distaff.metrics.information_score import check_two_factors, information_tables
from distaff.metrics.information_tables import Table
from distaff.metrics.randomness import stream
from distaff.metrics.resampling import random_halves
from distaff.metrics.threads import one_thread
from distaff.score import Active, Array, Score

ITERATIONS = 100
TAIL = 0.005
"""Share of the rows at each end of a latent that the probe sees at the end of the others."""


@one_thread()
def info_mec(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> Score:
    """Asks three things: one factor a latent, one latent a factor, and factors read in a line.

    With R = I(z; v) / H(v), K factors, and A latents that tell anything,

        InfoM  mean over those latents of  max_v R / sum_v R, from 1/K..1 scaled to 0..1
        InfoC  mean over the factors of    max_z R / sum_z R, from 1/A..1 scaled to 0..1
        InfoE  mean over the factors of    1 - loss(linear probe) / loss(no latents), nats a row

    are the modularity, compactness and explicitness; the value is the mean of the three, since any
    one alone is reached by a useless code (InfoM by one good latent, InfoC by one latent of all
    factors, InfoE by any rotation). Range 0 to 1, best value 1, chance near 0.

    A latent tells something when that is more of some factor than chance explains, 4 / sqrt(n)
    nats (see `metrics/information_tables.py`); the published code goes by the range of a latent,
    which changes with its scale. A factor of which no such latent tells adds 0 to InfoC, and with
    one latent InfoC is 1 where the latent tells of the factor. The estimator is that of Ross 2014
    on normal scores (see `metrics/information.py`), 3 neighbours where theirs takes 10.

    The probe is a logistic regression without penalty, of 100 iterations as published, on latents
    standardised after their outermost 0.5 % on each side are drawn in. It is fitted on one random
    half of the rows and its loss taken on the other; the published code takes the loss of the rows
    that it fitted and weighs all values of a factor alike. To the probe's probabilities 1 / rows of
    the frequencies is mixed, so that no row outweighs the rest. A probe worse than none counts as
    0.

    Args:
        codes: the representation of each image, for a VAE its posterior mean.
        factors: index of the value of each factor, or its value where it is continuous.
        factor_names: names of the factors, which the relation's columns follow.
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; by default all
            discrete.
        active: for each latent whether it counts; by default all do. One that does not is treated
            as a dead one.
        compat: None; disentanglement_lib has no such score.
        seed: of the halves, the shuffling, and the noise between equal values.
        repeats: random halves of the rows from which the interval is taken.

    Returns:
        Value with 95 % interval; as parts InfoM, InfoE, InfoC and the numbers of uninformative and
        of dead latents; chance from shuffled factors; ceiling from the factors as codes; relation
        I(z; v) / H(v), [latent, factor].

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, fewer than two factors with two
            values, an unknown kind or any `compat`.

    Reference: Hsu, Dorrell, Whittington, Wu, Finn 2023, "Disentanglement via latent quantization",
    arXiv:2305.18378.
    """
    check_compat(compat, offered=False)
    tables = information_tables(
        codes,
        factors,
        factor_names=factor_names,
        factor_kinds=factor_kinds,
        active=active,
        seed=seed,
        repeats=repeats,
    )
    check_two_factors(tables, "info_mec")
    data = checked(codes, discretized(factors, factor_kinds), factor_names, active=active)
    codes, factors = data.codes, data.factors[:, data.varying]
    shuffled = stream(seed, "shuffled factors").permutation(factors)
    losses = _losses(codes, factors, seed)
    parts = {
        "InfoM": _modularity(tables.whole),
        "InfoE": _explicitness(losses),
        "InfoC": _compactness(tables.whole),
        "uninformative latents": float((~tables.whole.informative).sum()),
    }
    rows = random_halves(len(codes), repeats, seed)
    return tables.result(
        _mean(tables.whole, losses),
        [_mean(table, losses[half]) for table, half in zip(tables.halves, rows, strict=True)],
        chance=_mean(tables.shuffled, _losses(codes, shuffled, seed)),
        ceiling=_mean(tables.ceiling, _losses(factors.astype(np.float64), factors, seed)),
        parts=parts,
    )


def _mean(table: Table, losses: Array) -> float:
    return (_modularity(table) + _explicitness(losses) + _compactness(table)) / 3


def _modularity(table: Table) -> float:
    relation = table.relation[table.informative]
    return _largest_share(relation, axis=1) if len(relation) else 0.0


def _compactness(table: Table) -> float:
    known = table.above_chance.any(axis=0)
    relation = table.relation[table.informative] * known
    return _largest_share(relation, axis=0) if len(relation) > 1 else float(known.mean())


def _largest_share(relation: Array, axis: int) -> float:
    """Mean of max / sum along an axis, scaled so that even shares, or none at all, are 0."""
    even = 1 / relation.shape[axis]
    total = relation.sum(axis=axis)
    share = np.full_like(total, even)
    np.divide(relation.max(axis=axis), total, out=share, where=total > 0)
    return float((share.mean() - even) / (1 - even))


def _explicitness(losses: Float[np.ndarray, "sample factor 2"]) -> float:
    probe, none = np.nanmean(losses, axis=0).T
    return float(np.maximum(0, 1 - probe / none).mean())


def _losses(codes: Array, factors: Array, seed: int) -> Float[np.ndarray, "sample factor 2"]:
    """Loss of the probe and of no latents in each row, in nats; NaN in the rows of the fit."""
    low, high = np.quantile(codes, [TAIL, 1 - TAIL], axis=0)
    drawn_in = np.clip(codes, low, high)
    spread = drawn_in.std(axis=0)
    standardized = (drawn_in - drawn_in.mean(axis=0)) / np.where(spread > 0, spread, 1)
    order = stream(seed, "halves of the probe").permutation(len(codes))
    return np.stack(
        [_losses_of_factor(standardized, factor, order) for factor in factors.T], axis=1
    )


def _losses_of_factor(codes: Array, factor: Array, order: Array) -> Float[np.ndarray, "sample 2"]:
    # every second row of those with the same value, so that each value is fitted and scored
    by_value = order[np.argsort(factor[order], kind="stable")]
    fitted, scored = by_value[::2], by_value[1::2]
    values, counts = np.unique(factor[fitted], return_counts=True)
    scored = scored[np.isin(factor[scored], values)]
    probe = LogisticRegression(C=np.inf, max_iter=ITERATIONS)
    with warnings.catch_warnings():
        # the published probe stops there too
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(codes[fitted], factor[fitted])
    index = np.searchsorted(values, factor[scored])
    log_share = np.log(counts / len(fitted))
    decision = probe.decision_function(codes[scored]).reshape(len(scored), -1)
    if decision.shape[1] == 1:
        decision = np.c_[np.zeros(len(scored)), decision]
    # a rest of 1 / rows for what no latents would say, so that no row outweighs all others
    rest = 1 / len(fitted)
    log_probability = np.logaddexp(
        log_softmax(decision, axis=1) + np.log1p(-rest), log_share + np.log(rest)
    )
    losses = np.full((len(codes), 2), np.nan)
    losses[scored, 0] = -log_probability[np.arange(len(scored)), index]
    losses[scored, 1] = -log_share[index]
    return losses
