"""Codes to scores: several metrics on one table of codes, of which none costs the others."""

import warnings
from collections.abc import Sequence
from inspect import signature
from itertools import compress
from typing import Any

import numpy as np

from distaff.arrays import Array
from distaff.errors import RunWarning, UsageError, memory_errors_as_sentence
from distaff.metrics import METRICS
from distaff.metrics.arrays import numbered
from distaff.metrics.options import Metric, with_options
from distaff.metrics.score import Active, Score

NOT_OF_ANY_TABLE = ("udr", "partition-score", "omes", "d-lsbd")
"""Metrics that `all` leaves out: one compares several codes, one needs a latent a factor, two need
a complete set, of factors that turn for the last one."""

LARGEST_SEED = 2**32 - 1
"""The largest that scikit-learn takes."""


def check_seed(seed: int) -> None:
    """Refuses a seed of metrics with which some could not be measured.

    Raises:
        UsageError: it is not from 0 to `LARGEST_SEED`.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"seed is {seed}; give a whole number from 0 to {LARGEST_SEED}.")


def asked_for(metrics: Sequence[Metric]) -> dict[str, dict[str, Any]]:
    """Returns the options of each metric asked for; `all` is every metric of one table of codes.

    Raises:
        UsageError: an unknown metric or option, or a metric that needs the codes of several runs.
    """
    chosen = with_options(metrics)
    if "udr" in chosen:
        raise UsageError(
            "udr compares runs that differ by their seed; distaff compare FOLDER --udr measures it."
        )
    if "all" in chosen:
        every: dict[str, dict[str, Any]] = {
            name: {} for name in METRICS if name not in NOT_OF_ANY_TABLE
        }
        chosen = every | {name: options for name, options in chosen.items() if name != "all"}
    return chosen


def needs_no_factors(metric: str) -> bool:
    """Returns whether a metric asks only of one table of latents, so that factors may be missing.

    `udr` does not count: it compares several tables.
    """
    taken = signature(METRICS[metric]).parameters
    return metric != "udr" and "factors" in taken and taken["factors"].default is None


@memory_errors_as_sentence("give fewer rows, or metrics that need less")
def measure(
    codes: Array,
    factors: Array | None,
    metrics: Sequence[Metric],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    seed: int = 0,
    active: Active | None = None,
) -> dict[str, Score]:
    """Measures codes, whoever made them.

    Args:
        codes: [image, latent].
        factors: numbers, words or truth values, [image, factor]; None where there are none, for
            metrics that ask for none.
        metrics: as in `evaluate`. One that cannot be measured does not cost the others: it is
            named in a warning, and raised where none is left.
        factor_names: of the columns of `factors`.
        factor_kinds: "discrete", "ordinal" or "continuous" for each of them; None: all discrete.
        seed: of the metrics, from 0 to `LARGEST_SEED`.
        active: for each latent whether it counts; by default all do.

    Raises:
        UsageError: an unknown metric, a seed out of range, or arrays of which there is none of the
            scores.

    Warns:
        RunWarning: a factor or a score was left out, and why.
    """
    check_seed(seed)
    if factors is not None and len(codes) != len(factors):
        raise UsageError(
            f"{len(codes)} rows of codes and {len(factors)} of factors; give a row for each image "
            f"in both."
        )
    given: dict[str, Any] = {"seed": seed}
    given |= {} if active is None or np.all(active) else {"active": active}
    if factors is not None:
        measurable, why = _measurable_factors(factors, factor_names, factor_kinds)
        if why:
            warnings.warn(f"left out: {why}.", RunWarning, stacklevel=2)
        if measurable.any():
            factors = factors[:, measurable]
            factor_names = factor_names and list(compress(factor_names, measurable))
            factor_kinds = factor_kinds and list(compress(factor_kinds, measurable))
        given["factor_names"] = factor_names
        given |= {} if factor_kinds is None else {"factor_kinds": factor_kinds}
    scores, failed = {}, {}
    for name, options in asked_for(metrics).items():
        metric = METRICS.look_up(name)
        taken = signature(metric).parameters
        known = {key: value for key, value in given.items() if key in taken}
        # a metric that knows nothing of idle latents finds constants in their place
        table = codes if "active" in taken else np.where(given.get("active", True), codes, 0)
        if factors is None and not needs_no_factors(name):
            failed[name] = "it needs factors"
            continue
        try:
            scores[name] = metric(table, factors, **known, **options)._replace(options=options)
        except ValueError as error:
            failed[name] = str(error)
        else:
            if factors is not None and scores[name].relation is not None:
                scores[name] = _with_all_columns(scores[name], measurable)
    if failed:
        words = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
        if not scores:
            raise UsageError(f"{words}.")
        warnings.warn(f"not measured: {words}.", RunWarning, stacklevel=2)
    return scores


def _measurable_factors(
    factors: Array, names: Sequence[str] | None, kinds: Sequence[str] | None
) -> tuple[Array, str]:
    """Returns which factors can be measured, and in words which cannot.

    A discrete one needs two values that occur twice: without, nothing can be learnt of it. A factor
    of one value is no matter of the images measured, and scores leave it out by themselves.
    """
    table = numbered(factors)
    if table.ndim != 2:
        return np.ones(0, dtype=bool), ""
    result, why = np.ones(table.shape[1], dtype=bool), []
    for place, column in enumerate(table.T):
        if kinds is not None and len(kinds) == table.shape[1] and kinds[place] == "continuous":
            continue
        counts = np.unique(column, return_counts=True)[1]
        if len(counts) > 1 and (counts > 1).sum() < 2:
            result[place] = False
            name = names[place] if names and len(names) > place else f"factor {place}"
            unique = len(counts) == len(column)
            why.append(
                f"{name}, of which each image has another value"
                if unique
                else f"{name}, of which no two values occur twice among {len(column)} images"
            )
    return result, "; ".join(why)


def _with_all_columns(score: Score, measurable: Array) -> Score:
    """Returns a score whose relation has a column of zeros for each factor that was left out."""
    relation = score.relation
    if relation is None or measurable.all() or relation.shape[1] != measurable.sum():
        return score
    whole = np.zeros((len(relation), len(measurable)))
    whole[:, measurable] = relation
    return score._replace(relation=whole)
