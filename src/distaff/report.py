"""Run to a page that stands alone: scores, figures, settings, how to reproduce it."""

import base64
import json
from pathlib import Path
from typing import Any

import jinja2

from distaff.data import DATASETS
from distaff.errors import RunError
from distaff.models import MODELS
from distaff.registry import kind_of
from distaff.runs import Run, writing

NAME = "report.html"


def report(run: Run) -> Path:
    """Writes the report of a finished run into its folder and returns its path.

    What has been measured and drawn so far is in it; figures are inlined, so that the file can be
    sent on its own.

    Raises:
        RunError: the run is not finished, or its folder cannot be written to.
    """
    if not run.finished:
        raise RunError(f"the run at {run.folder} is not finished; train it first.")
    page = _template().render(**_content(run))
    path = run.folder / NAME
    with writing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.from_string(Path(__file__).with_name("report.html").read_text("utf-8"))


def _content(run: Run) -> dict[str, Any]:
    experiment, environment = run.read("experiment.json"), run.read("environment.json")
    settings = {key: experiment["experiment"][key] for key in ("data", "model", "training")}
    derived = environment["derived_settings"]
    minutes, seconds = divmod(round(environment["seconds"]), 60)
    return {
        "run": run,
        "model": kind_of(run.experiment.model, MODELS),
        "data": kind_of(run.experiment.data, DATASETS),
        "duration": f"{minutes} min {seconds} s" if minutes else f"{seconds} s",
        "scores": run.scores,
        "pictures": _pictures(run),
        "settings": _flat(settings) | {f"derived: {k}": f"{v:g}" for k, v in derived.items()},
        "command": f"distaff train experiment.json --seeds {run.seed}",
        "experiment": json.dumps(experiment, indent=2),
        "environment": environment,
        "environment_text": json.dumps(environment, indent=2),
    }


def _pictures(run: Run) -> dict[str, str]:
    """The run's figures, those of its experiment first and in that order, as base64."""
    order = list(run.experiment.figures)
    paths = sorted(
        run.figures_folder.glob("[!.]*.png"),
        key=lambda path: (order.index(path.stem) if path.stem in order else len(order), path.stem),
    )
    return {path.stem: base64.b64encode(path.read_bytes()).decode() for path in paths}


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
