"""Run, or scores of codes, to a page that stands alone."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import distaff
from distaff.data.reading.tables import NumericTable
from distaff.errors import RunError
from distaff.evaluate import to_json
from distaff.experiment import to_json as settings_to_json
from distaff.files import json_text, write_json
from distaff.metrics.score import Score
from distaff.pages.html import in_base64, relations, write_page
from distaff.runs import OpenRun, Run
from distaff.runs.figures import figures_of

NAME = "report.html"


def report(run: Run | OpenRun) -> Path:
    """Writes the report of a finished run into its folder and returns its path.

    What has been measured and drawn so far is in it, as far as it is of the parameters that the run
    has; figures are inlined, so that the file can be sent on its own.

    Raises:
        RunError: the run is not finished, or its folder cannot be written to.
    """
    opened = OpenRun.of(run)
    run = opened.run
    if not run.finished:
        raise RunError(f"the run at {run.folder} is not finished; train it first.")
    path = run.folder / NAME
    write_page(path, "report.html", **_content(opened))
    return path


def report_of_codes(
    folder: Path,
    scores: Mapping[str, Score],
    codes: NumericTable,
    factors: NumericTable,
    command: str,
) -> Path:
    """Writes the scores of anybody's codes, as scores.json and as a page; returns the page's path.

    Args:
        folder: for both; made where it is missing.
        scores: what was measured.
        codes: a row for each image.
        factors: likewise.
        command: with which they are measured again.

    Raises:
        RunError: the folder cannot be written to.
    """
    write_json(folder / "scores.json", {name: to_json(score) for name, score in scores.items()})
    names = factors.names or [f"factor {i}" for i in range(factors.values.shape[1])]
    varying = (np.ptp(factors.values, axis=0) > 0).tolist()
    write_page(
        folder / NAME,
        "codes.html",
        scores=scores,
        relations=relations(scores, names, varying),
        images=len(codes.values),
        latents=codes.values.shape[1],
        factors=[name for name, varies in zip(names, varying, strict=True) if varies],
        version=distaff.__version__,
        command=command,
    )
    return folder / NAME


def _content(opened: OpenRun) -> dict[str, Any]:
    run = opened.run
    experiment, environment = settings_to_json(run.experiment), run.environment
    settings = {key: experiment[key] for key in ("data", "model", "training")}
    derived = environment["derived_settings"]
    # the matrix of this score is the one that the figure shows
    shown = {"relation-matrix"} if "mutual-information-gap" in run.scores else set()
    minutes, seconds = divmod(round(environment["seconds"]), 60)
    return {
        "run": run,
        "model": run.experiment.model.kind,
        "data": run.experiment.data.kind,
        "duration": f"{minutes} min {seconds} s" if minutes else f"{seconds} s",
        "scores": run.scores,
        "validation": run.last_validation,
        "relations": _relations(opened),
        "pictures": _pictures(run, without=shown),
        "stale": run.stale_scores + list(figures_of(run, stale=True)),
        "settings": _flat(settings) | {f"derived: {k}": f"{v:g}" for k, v in derived.items()},
        "command": f"distaff train experiment.json --seeds {run.seed}",
        "experiment": json_text(run.read("experiment.json")),
        "environment": environment,
        "environment_text": json_text(environment),
    }


def _relations(opened: OpenRun) -> dict[str, str]:
    scores = opened.run.scores
    if all(score.relation is None for score in scores.values()):
        return {}
    dataset = opened.dataset
    varying = [size > 1 for size in dataset.factor_sizes]
    return relations(scores, dataset.factor_names, varying)


def _pictures(run: Run, without: Collection[str]) -> dict[str, str]:
    """The run's figures as base64, those of its experiment first and in that order."""
    order = list(run.experiment.figures)
    drawn = sorted(
        figures_of(run).items(),
        key=lambda item: (order.index(item[0]) if item[0] in order else len(order), item[0]),
    )
    return {name: in_base64(path.read_bytes()) for name, path in drawn if name not in without}


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with the names that the command line gives them."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            flat[(prefix + name).removesuffix(".kind")] = text
    return flat
