"""Run to scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest
from torch import Tensor

from distaff.arrays import Array
from distaff.data import FactorDataset
from distaff.errors import UsageError, memory_errors_as_sentence
from distaff.inference.encode import kl_of_latents, probabilities_of
from distaff.metrics import METRICS, r_squared
from distaff.metrics.arrays import FEWEST_ROWS
from distaff.metrics.measuring import asked_for, check_seed, measure, needs_no_factors
from distaff.metrics.options import Metric
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
    regression fitted on the test images. Images without factors have the scores that ask only of
    the latents: those of the experiment, or all. For a classifier, the score is its accuracy.

    Latents whose KL, averaged over the test images that are encoded, is below `LEAST_KL` carry
    nothing and are left out; each score says which in its `origin`, with the KL of all.

    Args:
        run: a finished run, opened or not.
        metrics: names, or names with options such as `("dci", {"backend": "lightgbm"})`; `all`
            for every metric of one table of codes; by default those of the run's experiment, and
            those kept of parameters that are gone.
        images: how many test images are encoded; all of them where there are fewer.
        seed: of the choice of images, of the metrics, and of samples; from 0 to 2^32 - 1.
        codes: `mean` of each posterior, or a `sample` of it.
        on_images: called with the progress of encoding a whole set.

    Returns:
        Metric name to score; scores of these parameters measured earlier are kept too.

    Raises:
        UsageError: an unknown metric or kind of codes, no images asked for, a seed out of range,
            none of the scores can be measured, or metrics asked for of a classifier.
        RunError: the run is not finished, or its data have changed.
    """
    if images < 1:
        raise UsageError(f"images is {images}; it must be above 0, for example {IMAGES}.")
    check_seed(seed)
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
        of_latents: dict[str, dict[str, Any]] = {
            name: {} for name in METRICS if needs_no_factors(name)
        }
        chosen = {
            name: options for name, options in chosen.items() if name in of_latents
        } or of_latents
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
