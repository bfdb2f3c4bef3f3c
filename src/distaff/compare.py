"""Many runs to one table: mean and spread over seeds, and whether seeds agree."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import spearmanr
from scipy.stats import t as student

from distaff.errors import RunError, UsageError
from distaff.evaluate import IMAGES, save_scores
from distaff.experiment import to_json
from distaff.inference.encode import kl_of_latents
from distaff.metrics import udr
from distaff.metrics.score import Score
from distaff.runs import OpenRun, Run
from distaff.runs.codes import some_test_images
from distaff.runs.opened import Datasets

FEWEST_RANKED = 3


class Row(NamedTuple):
    """One number of one experiment, over its seeds."""

    experiment: str
    """Recipe and hash of the config."""
    quantity: str
    settings: str
    """What it was measured with, where runs of the experiment differ in that; else empty."""
    seeds: int
    mean: float
    interval: tuple[float, float] | None
    """95 % confidence interval of the mean over seeds (Student's t); None for a single seed."""
    median: float
    smallest: float
    largest: float


def compare(runs: Sequence[Run]) -> list[Row]:
    """Returns a row for each experiment and each of its scores, parts and loss terms.

    Scores that were measured with other settings (images, seed, options) are not averaged, but have
    a row for each.

    Args:
        runs: finished runs; those that are not finished are left out, and so are scores of
            parameters that a run no longer has.

    Raises:
        RunError: none of the runs is finished.
    """
    values: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run.finished:
            experiment = f"{run.experiment.name}/{run.experiment.config_hash}"
            for quantity, (value, settings) in _quantities(run).items():
                values[experiment, quantity][settings].append(value)
    if not values:
        raise RunError(f"none of the {len(runs)} runs is finished; train them first.")
    return [
        _row(*key, settings if len(measured) > 1 else "", np.array(numbers))
        for key, measured in values.items()
        for settings, numbers in measured.items()
    ]


class RankCorrelation(NamedTuple):
    """Whether two metrics put the same runs first."""

    first: str
    second: str
    runs: int
    spearman: float
    """From -1, the opposite order, to 1, the same; NaN where a metric is the same for all."""


def rank_correlations(runs: Sequence[Run]) -> list[RankCorrelation]:
    """Returns Spearman's rank correlation over runs of each pair of metrics measured on all.

    Args:
        runs: at least three finished runs, or nothing is returned: of two runs every pair of
            metrics agrees or disagrees in full.
    """
    scores = [run.scores for run in runs if run.finished]
    if len(scores) < FEWEST_RANKED:
        return []
    shared = [name for name in scores[0] if all(name in other for other in scores)]
    values = {name: [score[name].value for score in scores] for name in shared}
    return [
        RankCorrelation(a, b, len(scores), float(spearmanr(values[a], values[b]).statistic))
        for a, b in combinations(shared, 2)
    ]


def _quantities(run: Run) -> dict[str, tuple[float, str]]:
    """Returns each number of a run, with the settings it was measured with."""
    result = {}
    for name, score in run.scores.items():
        options = [f"{option} {value}" for option, value in score.options.items()]
        settings = ", ".join(filter(None, [score.origin.settings, *options]))
        result[name] = (score.value, settings)
        result |= {f"{name}: {part}": (value, settings) for part, value in score.parts.items()}
    terms = {name: value for name, value in run.last_validation.items() if name in run.terms}
    return result | {f"validation {name}": (value, "") for name, value in terms.items()}


def _row(experiment: str, quantity: str, settings: str, numbers: np.ndarray) -> Row:
    count, mean = len(numbers), float(numbers.mean())
    low, high = float(numbers.min()), float(numbers.max())
    return Row(
        experiment,
        quantity,
        settings,
        count,
        mean,
        interval_of_mean(numbers),
        float(np.median(numbers)),
        low,
        high,
    )


def interval_of_mean(numbers: Sequence[float] | np.ndarray) -> tuple[float, float] | None:
    """Returns the 95 % confidence interval of a mean (Student's t); None of a single number."""
    count, mean = len(numbers), float(np.mean(numbers))
    if count < 2:
        return None
    margin = float(student.ppf(0.975, count - 1) * np.std(numbers, ddof=1) / np.sqrt(count))
    return mean - margin, mean + margin


def udr_of_runs(runs: Sequence[Run], *, images: int = IMAGES, seed: int = 0) -> dict[str, Score]:
    """Measures UDR for each experiment with two finished runs or more.

    Each run keeps its own score, how far it agrees with the others, as `udr`; their mean is the
    score of the experiment. Runs that are measured later change both.

    Args:
        runs: those that are not finished are left out.
        images: how many test images are encoded, the same by every run.
        seed: of the choice of images and of the score.

    Returns:
        Experiment, as recipe and hash of its config, to score.

    Raises:
        UsageError: no two finished runs of the same experiment.
        RunError: a folder cannot be written to.
    """
    seeds: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.finished:
            seeds[f"{run.experiment.name}/{run.experiment.config_hash}"].append(run)
    several = {name: group for name, group in seeds.items() if len(group) > 1}
    if not several:
        raise UsageError(
            "udr needs two finished runs of one experiment; train more with distaff train RECIPE "
            "--seeds 0 1 2."
        )
    return {name: _agreement(group, images, seed) for name, group in several.items()}


def _agreement(runs: Sequence[Run], images: int, seed: int) -> Score:
    datasets: Datasets = {}
    opened = [OpenRun(run, datasets) for run in runs]
    rows = some_test_images(opened[0].dataset, images, seed)
    posteriors = [each.posteriors(rows) for each in opened]
    score = udr(
        [posterior.mean.double().numpy() for posterior in posteriors],
        kl=[kl_of_latents(posterior) for posterior in posteriors],
        seed=seed,
    )
    for place, run in enumerate(runs):
        own = score._replace(
            value=score.parts[f"model {place}"], interval=None, parts={}, relation=None
        )
        save_scores(run, {"udr": own})
    return score


class Estimate(NamedTuple):
    """A number with its 95 % interval, if it has one."""

    value: float
    interval: tuple[float, float] | None


class Compared(NamedTuple):
    """An experiment, or anybody's codes, in a line of the table of a comparison."""

    name: str
    settings: dict[str, Any]
    """Those in which the experiments of the table differ, by path, for example `model.beta`."""
    seeds: int
    scores: dict[str, Estimate]
    """Mean over the seeds with its interval; of a single seed, the score with its own."""


def table_of(runs: Sequence[Run], foreign: Mapping[Path, Mapping[str, Score]]) -> list[Compared]:
    """Returns a line for each experiment, and for each folder with the scores of anybody's codes.

    A score that was measured in several ways has an entry for each, named by its settings.

    Args:
        runs: finished runs; others are left out.
        foreign: the scores of folders without a run.
    """
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.finished:
            groups[f"{run.experiment.name}/{run.experiment.config_hash}"].append(run)
    settings = {name: _flat(to_json(group[0].experiment)) for name, group in groups.items()}
    differing = [
        path
        for path in dict.fromkeys(path for known in settings.values() for path in known)
        if len({str(known.get(path)) for known in settings.values()}) > 1
    ]
    rows: dict[str, dict[str, Estimate]] = defaultdict(dict)
    for row in compare(runs) if groups else []:
        own = [run.scores.get(row.quantity) for run in groups[row.experiment]]
        if any(own):
            label = row.quantity + (f" ({row.settings})" if row.settings else "")
            single = own[0].interval if row.seeds == 1 and len(own) == 1 and own[0] else None
            rows[row.experiment][label] = Estimate(row.mean, row.interval or single)
    lines = [
        Compared(
            name,
            {path: settings[name].get(path, "") for path in differing},
            len(group),
            rows[name],
        )
        for name, group in groups.items()
    ]
    blank = dict.fromkeys(differing, "")
    for folder, scores in foreign.items():
        values = {name: Estimate(score.value, score.interval) for name, score in scores.items()}
        lines.append(Compared(str(folder), blank, 1, values))
    return lines


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns what decides the parameters, with the names that the command line gives them."""
    result: dict[str, Any] = {}
    for name, value in settings.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            result |= _flat(value, f"{path}.")
        elif path.startswith(("data.", "model.", "training.")):
            result[path.removesuffix(".kind")] = value
    return result
