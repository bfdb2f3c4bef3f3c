"""Run to scores."""

import warnings
from collections.abc import Mapping, Sequence
from inspect import signature
from itertools import compress
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest
from torch import Tensor

from distaff.arrays import Array
from distaff.data import FactorDataset
from distaff.errors import RunWarning, UsageError, memory_errors_as_sentence
from distaff.inference.encode import kl_of_latents, probabilities_of
from distaff.metrics import METRICS, r_squared
from distaff.metrics.arrays import FEWEST_ROWS, numbered
from distaff.metrics.options import Metric, with_options
from distaff.metrics.score import Active, Origin, Score
from distaff.models import Classifier, GenerativeModel
from distaff.runs import OpenRun, Run
from distaff.runs.codes import (
    CODES,
    OnImages,
    codes_from,
    is_complete,
    some_test_images,
)
from distaff.runs.lock import locked

IMAGES = 10_000
WAIT = 60.0
"""Seconds for another process to write its scores."""
LEAST_KL = 0.01
"""Mean KL in nats below which a latent carries nothing; the same as in `udr`."""
NOT_OF_ANY_TABLE = ("udr", "partition-score", "omes", "d-lsbd")
"""Metrics that `all` leaves out: one compares several codes, one needs a latent a factor, two need
a complete set, of factors that turn for the last one."""
INTERVENTIONAL = (
    "beta-vae-score",
    "factor-vae-score",
    "interventional-robustness",
    "omes",
    "d-lsbd",
)
"""Metrics that look for images which share a factor; a complete set has them all."""


@memory_errors_as_sentence("give fewer images, or metrics that need less")
def evaluate(
    run: Run | OpenRun,
    metrics: Sequence[Metric] = (),
    *,
    images: int = IMAGES,
    seed: int = 0,
    codes: str = "mean",
    on_images: OnImages | None = None,
) -> dict[str, Score]:
    """Measures a finished run on held-out images and keeps the scores in its folder.

    Scores that intervene, which need images that share a factor, see the whole set where it holds
    every combination of factors once; its codes are then kept beside the scores, so that no image
    is encoded twice. Where the set has a split `held_out`, R2 is that of its images, by a
    regression fitted on the test images.
    The codes of a model are measured with metrics; for a classifier, the score is its accuracy.

    Latents whose KL, averaged over the test images that are encoded, is below `LEAST_KL` carry
    nothing and are left out; each score says which in its `origin`, with the KL of all.

    Args:
        run: a finished run, opened or not.
        metrics: names, or names with options such as `("dci", {"backend": "lightgbm"})`; `all`
            for every metric of one table of codes; by default those of the run's experiment, and
            those kept of parameters that are gone.
        images: how many test images are encoded; all of them where there are fewer.
        seed: of the choice of images, of the metrics, and of samples.
        codes: `mean` of each posterior, or a `sample` of it.
        on_images: called with the progress of encoding a whole set.

    Returns:
        Metric name to score; scores of these parameters measured earlier are kept too.

    Raises:
        UsageError: an unknown metric or kind of codes, no images asked for, images without factors,
            or metrics asked for of a classifier.
        RunError: the run is not finished, or its data have changed.
    """
    if images < 1:
        raise UsageError(f"images is {images}; it must be above 0, for example {IMAGES}.")
    if codes not in CODES:
        raise UsageError(f"codes is {codes!r}; choose of {', '.join(CODES)}.")
    opened = OpenRun.of(run)
    run, dataset = opened.run, opened.dataset
    rows = some_test_images(dataset, images, seed)
    if isinstance(run.experiment.model, Classifier.Config) and not metrics:
        return save_scores(run, {"accuracy": accuracy(opened, rows)})
    stale = [name for name in run.stale_scores if name in METRICS and name != "udr"]
    # an unknown name or option is refused before anything is encoded
    chosen = asked_for(metrics or [*run.experiment.metrics, *stale])
    if not dataset.factor_names and not metrics:
        chosen = {name: {} for name in METRICS if needs_no_factors(name)}
    measured = _measure_run(opened, rows, chosen, seed, codes, on_images)
    return save_scores(
        run,
        {
            name: score._replace(origin=score.origin._replace(images=images, seed=seed))
            for name, score in measured.items()
        },
    )


def _measure_run(
    opened: OpenRun,
    rows: Tensor,
    chosen: Mapping[str, Mapping[str, Any]],
    seed: int,
    codes: str,
    on_images: OnImages | None,
) -> dict[str, Score]:
    """Measures the codes of the rows, or of all images where a score intervenes."""
    dataset = opened.dataset
    whole = [name for name in chosen if name in INTERVENTIONAL and is_complete(dataset)]
    unseen = [name for name in chosen if name == "r-squared" and "held_out" in dataset.splits]
    rest = [name for name in chosen if name not in (*whole, *unseen)]
    # the whole set first: the rows are then looked up
    everything = opened.all_posteriors(on_images) if whole else None
    some = opened.posteriors(rows)
    kl = kl_of_latents(some)
    active = kl >= LEAST_KL
    measured: dict[str, Score] = {}
    for wanted, posterior, index in (
        (whole, everything, torch.arange(len(dataset))),
        (rest, some, rows),
    ):
        if posterior is not None and wanted:
            measured |= measure(
                codes_from(posterior, codes, seed=seed),
                _factors_of(dataset, index),
                [(name, dict(chosen[name])) for name in wanted],
                factor_names=dataset.factor_names or None,
                factor_kinds=dataset.factor_kinds or None,
                seed=seed,
                active=active,
            )
    if unseen:
        options = chosen["r-squared"]
        score = _generalization(opened, rows, seed, codes, active, options)
        measured["r-squared"] = score._replace(options=options)
    left_out = tuple(np.flatnonzero(~active).tolist())
    origin = Origin(codes=codes, kl=tuple(kl.tolist()), left_out=left_out)
    return {name: measured[name]._replace(origin=origin) for name in chosen if name in measured}


def _factors_of(dataset: FactorDataset, rows: Tensor) -> Array | None:
    """The factors of some images, a continuous one by its values; None of a set without."""
    if not dataset.factor_names:
        return None
    factors: Array = dataset.factors_at(rows).numpy()
    if "continuous" not in dataset.factor_kinds:
        return factors
    continuous = np.array(dataset.factor_kinds) == "continuous"
    return np.where(continuous, dataset.values[rows].numpy(), factors)


def _generalization(
    opened: OpenRun,
    rows: Tensor,
    seed: int,
    codes: str,
    active: Active,
    options: Mapping[str, Any],
) -> Score:
    """Returns R2 of the factors of held-out images, by a regression fitted on the given rows."""
    dataset = opened.dataset
    unseen = some_test_images(dataset, len(rows), seed, split="held_out")
    both = torch.cat([rows, unseen])
    try:
        return r_squared(
            codes_from(opened.posteriors(both), codes, seed=seed),
            dataset.factors_at(both).numpy(),
            held_out=np.arange(len(both)) >= len(rows),
            factor_names=dataset.factor_names,
            active=active,
            seed=seed,
            **options,
        )
    except ValueError as error:
        raise UsageError(f"r-squared: {error}.") from None


def needs_no_factors(metric: str) -> bool:
    """Returns whether a metric asks only of the latents, so that factors may be missing."""
    taken = signature(METRICS[metric]).parameters
    return "factors" in taken and taken["factors"].default is None


def measurable(opened: OpenRun) -> bool:
    """Returns whether the set of a run has test images enough to measure codes by."""
    enough = len(opened.dataset.splits["test"]) >= FEWEST_ROWS
    return enough and (
        bool(opened.dataset.factor_names) or isinstance(opened.model, GenerativeModel)
    )


def save_scores(run: Run, scores: dict[str, Score]) -> dict[str, Score]:
    """Writes scores into a run's folder, beside those that are there.

    Args:
        run: a finished run; the scores get the stamp of its parameters.
        scores: just measured.

    Returns:
        All scores of the run's parameters; those of others stay in the file alone.

    Raises:
        RunError: the folder cannot be written to.
    """
    stamped = {
        name: score._replace(origin=score.origin._replace(parameters=run.stamp))
        for name, score in scores.items()
    }
    with locked(run.folder, seconds=WAIT):  # two that write at once would lose one's scores
        kept = run.kept_scores | stamped
        run.write("scores.json", {name: to_json(score) for name, score in kept.items()})
    return run.scores


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
        seed: of the metrics.
        active: for each latent whether it counts; by default all do.

    Raises:
        UsageError: an unknown metric, or arrays of which there is none of the scores.

    Warns:
        RunWarning: a factor or a score was left out, and why.
    """
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
        if factors is None and taken["factors"].default is not None:
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


def accuracy(opened: OpenRun, rows: Tensor) -> Score:
    """Returns how often a classifier is right about some images, and about each value.

    The interval is Wilson's; chance is always to name the commonest value.
    """
    classifier, dataset = opened.model, opened.dataset
    assert isinstance(classifier, Classifier)  # checked by the caller
    chosen = dataset.subset(rows)
    factor, spec = classifier.factor, dataset.spec
    truth = chosen.factors[:, factor].long().numpy()
    right = probabilities_of(classifier, chosen).argmax(axis=1) == truth
    name = dataset.factor_names[factor]
    low, high = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return Score(
        value=float(right.mean()),
        interval=(float(low), float(high)),
        chance=float(np.bincount(truth).max() / len(truth)),
        ceiling=1.0,
        estimator=f"{len(right)} images",
        parts={
            f"{name} {spec.name_of_value(factor, int(value))}": float(right[truth == value].mean())
            for value in np.unique(truth)
        },
    )


def to_json(score: Score) -> dict[str, object]:
    """Returns a score as plain JSON."""
    relation = None if score.relation is None else score.relation.tolist()
    plain = {"parts": dict(score.parts), "options": dict(score.options)}
    return score._asdict() | plain | {"relation": relation, "origin": score.origin._asdict()}
