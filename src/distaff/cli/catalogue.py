"""The catalogue: every registered thing with one line about it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from distaff.data import DATASETS, Dataset
from distaff.illustrate import FIGURES
from distaff.likelihoods import LIKELIHOODS
from distaff.metrics import METRICS
from distaff.models import MODELS
from distaff.nets import DECODERS, ENCODERS
from distaff.recipes import RECIPES
from distaff.runs import Run, find_runs
from distaff.studies import STUDIES

Lines = list[tuple[str, str]]


def _described(registry: Mapping[str, Any]) -> Lines:
    return [(name, _first_line(thing)) for name, thing in registry.items()]


def _first_line(thing: Any) -> str:
    return str(thing.__doc__ or "").split("\n", 1)[0]


def _nets() -> Lines:
    encoders = [(f"encoder {name}", _first_line(net)) for name, net in ENCODERS.items()]
    return encoders + [(f"decoder {name}", _first_line(net)) for name, net in DECODERS.items()]


def _recipes() -> Lines:
    return [
        (
            name,
            f"{recipe.model.kind} on {recipe.data.kind}, "
            + (
                f"{recipe.training.epochs} epochs"
                if recipe.training.epochs
                else f"{recipe.training.steps:,} steps"
            ),
        )
        for name, recipe in RECIPES.items()
    ]


CATALOGUE: dict[str, Callable[[], Lines]] = {
    "models": lambda: _described(MODELS),
    "data": lambda: _described(DATASETS),
    "nets": _nets,
    "likelihoods": lambda: _described(LIKELIHOODS),
    "metrics": lambda: _described(METRICS),
    "figures": lambda: [(name, "") for name in FIGURES],
    "recipes": _recipes,
    "studies": lambda: _described(STUDIES),
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
