"""The catalogue: every registered thing with one line about it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from distaff.data import DATASETS, Dataset
from distaff.experiment import Experiment
from distaff.illustrate import FIGURES
from distaff.likelihoods import LIKELIHOODS
from distaff.metrics import METRICS
from distaff.models import MODELS
from distaff.nets import DECODERS, ENCODERS
from distaff.recipes import RECIPES
from distaff.registry import Registry
from distaff.runs import Run, find_runs
from distaff.studies import STUDIES

Lines = list[tuple[str, str]]


def _lines(
    registry: Registry[Any], describe: Callable[[Any], str] | None = None, prefix: str = ""
) -> Lines:
    """Returns the name of each thing, what it is, and whose it is where it is not distaff's own."""
    lines = []
    for name, thing in registry.items():
        origin = registry.origin(name)
        source = f" (from {origin})" if origin else ""
        lines.append((prefix + name, (describe or _first_line)(thing) + source))
    return lines


def _first_line(thing: Any) -> str:
    return str(thing.__doc__ or "").split("\n", 1)[0]


def _recipe(recipe: Experiment) -> str:
    training = recipe.training
    length = f"{training.epochs} epochs" if training.epochs else f"{training.steps:,} steps"
    return f"{recipe.model.kind} on {recipe.data.kind}, {length}"


CATALOGUE: dict[str, Callable[[], Lines]] = {
    "models": lambda: _lines(MODELS),
    "data": lambda: _lines(DATASETS),
    "nets": lambda: _lines(ENCODERS, prefix="encoder ") + _lines(DECODERS, prefix="decoder "),
    "likelihoods": lambda: _lines(LIKELIHOODS),
    "metrics": lambda: _lines(METRICS),
    "figures": lambda: _lines(FIGURES),
    "recipes": lambda: _lines(RECIPES, _recipe),
    "studies": lambda: _lines(STUDIES),
}


def list_files() -> Lines:
    """Returns the data sets and how many of their official files are there."""
    return [(name, _files(dataset)) for name, dataset in DATASETS.items()]


def _files(dataset: type[Dataset]) -> str:
    official = dataset.official
    there = sum(file.path.is_file() for file in official)
    return f"{there} of {len(official)} official files" if official else "no official file"


def list_runs(folder: Path) -> Lines:
    """Returns the runs below a folder and how far each has come.

    Raises:
        RunError: there is none.
    """
    return [(str(run.folder), _state(run)) for run in find_runs(folder)]


def _state(run: Run) -> str:
    if run.finished:
        return "finished"
    return "interrupted" if run.interrupted else "not finished"
