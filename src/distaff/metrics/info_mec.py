"""InfoMEC: modularity, explicitness and compactness by information."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.information.score import check_two_factors, information_tables
from distaff.metrics.information.tables import Table
from distaff.metrics.labelled_codes import LabelledCodes, labelled_codes
from distaff.metrics.prediction.linear_probe import probe_losses
from distaff.metrics.published.compat import check_compat
from distaff.metrics.published.info_mec import published_info_mec
from distaff.metrics.randomness import stream
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading, one_thread, random_halves

PUBLISHED = "published"


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
    repeats: int | None = None,
) -> Score:
    """Asks three things: one factor a latent, one latent a factor, and factors read in a line.

    With R = I(z; v) / H(v), or 1 - exp(-2 I) for a continuous factor, K factors, and A latents that
    tell anything,

        InfoM  mean over those latents of  max_v R / sum_v R, from 1/K..1 scaled to 0..1
        InfoC  mean over the factors of    max_z R / sum_z R, from 1/A..1 scaled to 0..1
        InfoE  mean over the factors of    1 - loss(linear probe) / loss(no latents), nats a row

    are the modularity, compactness and explicitness; the value is the mean of the three, since any
    one alone is reached by a useless code (InfoM by one good latent, InfoC by one latent of all
    factors, InfoE by any rotation). Range 0 to 1, best value 1, chance near 0.

    Each I is weighed by the evidence that it is more than chance (see
    `metrics/information/evidence.py`), so that errors of estimation do not add up in the sums. With
    w the evidence that a latent tells something of some factor, InfoM is a mean weighed by w, times
    1 - product of (1 - w), the probability that any latent does; A is the sum of w, 2 at least; and
    a factor adds to InfoC with the evidence that some latent tells of it. The published code goes
    by the range of a latent, which changes with its scale. For the estimators see
    `metrics/information/mutual_information.py`, 3 neighbours where the published code takes 10.

    The probe is a logistic regression without penalty, of 100 iterations as published, on latents
    standardised after their outermost 0.5 % on each side are drawn in. It is fitted on one random
    half of the rows and its loss taken on the other; the published code takes the loss of the rows
    that it fitted and weighs all values of a factor alike. To the probe's probabilities 1 / rows of
    the frequencies is mixed, so that no row outweighs the rest. For a continuous factor the probe
    is least squares and the loss the squared error. A probe worse than none counts as 0.

    With `compat="published"` the three are those of the authors' code, for quantised codes as for
    continuous ones, and the value is their mean (see `metrics/published/info_mec.py`). Latents of
    few values, at most sqrt(n), are taken for quantised if all are so. It takes seconds for 10,000
    rows, and so there is no interval by default. A continuous factor, which that code has not, is
    cut into cells.

    Options:
        compat: None or "published".
        repeats: random halves of the rows from which the interval is taken; by default 20, and none
            with `compat`.

    Parts: InfoM, InfoE, InfoC and the number of uninformative latents. Relation: I(z; v) / H(v),
    [latent, factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, fewer than two factors with two
            values, an unknown kind or `compat`.

    Reference: Hsu, Dorrell, Whittington, Wu, Finn 2023, "Disentanglement via latent quantization",
    arXiv:2305.18378.
    """
    check_compat(compat, offered=False, also=(PUBLISHED,))
    if compat:
        data = labelled_codes(
            codes, factors, factor_names, factor_kinds, active=active, compat=compat
        )
        return _published(data, seed=seed, repeats=repeats or 0)
    repeats = 20 if repeats is None else repeats
    tables = information_tables(codes, factors, factor_names, factor_kinds, active, seed, repeats)
    check_two_factors(tables, "info_mec")
    losses_of = partial(probe_losses, continuous=tables.continuous, seed=seed)
    losses = losses_of(tables.codes, tables.factors)
    shuffled = stream(seed, "shuffled factors").permutation(tables.factors)
    parts = {
        "InfoM": _modularity(tables.whole),
        "InfoE": _explicitness(losses),
        "InfoC": _compactness(tables.whole),
        "uninformative latents": tables.uninformative,
    }
    rows = random_halves(len(tables.codes), repeats, seed)
    return tables.result(
        _mean(tables.whole, losses),
        [_mean(table, losses[half]) for table, half in zip(tables.halves, rows, strict=True)],
        chance=_mean(tables.shuffled, losses_of(tables.codes, shuffled)),
        ceiling=_mean(tables.ceiling, losses_of(tables.factors.astype(np.float64), tables.factors)),
        parts=parts,
    )


def _published(data: LabelledCodes, *, seed: int, repeats: int) -> Score:
    data.check_two_factors("info_mec")

    def read(codes: Array, labels: Array) -> Reading:
        few = max(len(np.unique(latent)) for latent in codes.T) <= np.sqrt(len(codes))
        found = published_info_mec(codes, labels, discrete_latents=bool(few), seed=seed)
        three = found.modularity, found.explicitness, found.compactness
        return Reading(
            value=float(np.mean(three)),
            parts={
                **dict(zip(("InfoM", "InfoE", "InfoC"), three, strict=True)),
                "uninformative latents": float((~found.active).sum()),
            },
            relation=found.relation,
        )

    return data.score(read, estimator="as published", seed=seed, repeats=repeats)


def _mean(table: Table, losses: Array) -> float:
    return (_modularity(table) + _explicitness(losses) + _compactness(table)) / 3


def _modularity(table: Table) -> float:
    return table.mean_over_latents(_largest_share(table.relation, 1, table.relation.shape[1]))


def _compactness(table: Table) -> float:
    # as many latents as tell something; with only one, no share is below 1
    latents = max(table.weight.sum(), 2.0)
    known = table.evidence.max(axis=0)
    return float((known * _largest_share(table.relation, 0, latents)).mean())


def _largest_share(relation: Array, axis: int, number: float) -> Array:
    """Largest part of the sum along an axis, scaled so that `number` even parts, or none, are 0."""
    total = relation.sum(axis=axis)
    share = np.zeros_like(total)
    np.divide(relation.max(axis=axis), total, out=share, where=total > 0)
    return np.asarray(np.maximum(0, (share - 1 / number) / (1 - 1 / number)))


def _explicitness(losses: Float[np.ndarray, "sample factor 2"]) -> float:
    probe, none = np.nanmean(losses, axis=0).T
    return float(np.maximum(0, 1 - probe / none).mean())
