"""A study, and the context that its tasks are given."""

import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from matplotlib.figure import Figure

from distaff.compare import interval_of_mean
from distaff.experiment import Experiment
from distaff.figures.house_style import house_style
from distaff.files import atomic_write
from distaff.runs import OpenRun, Run
from distaff.runs.opened import Datasets
from distaff.training.settings import Training

Budget = Literal["smoke", "quick", "full"]
Results = dict[str, Any]
SUFFIXES = (".pdf", ".png")
"""Of the files of a deliverable."""


class Study(ABC):
    """A document worked out from end to end: what is trained, measured, drawn and written."""

    name: ClassVar[str]
    """In the command line, and of its folder."""
    title: ClassVar[str]
    """Of the page that lists its files."""
    estimates: ClassVar[Mapping[Budget, Mapping[str, float]]]
    """Seconds that trainings and tasks took on two cores, by the name of the step; a step that
    is not listed takes seconds."""

    def __init__(self, budget: Budget) -> None:
        self.budget: Budget = budget

    @property
    def source(self) -> Path:
        """The report's Typst file: `report.typ` beside the file of the study's class."""
        return Path(inspect.getfile(type(self))).with_name("report.typ")

    @property
    @abstractmethod
    def experiments(self) -> Mapping[str, Experiment]:
        """What is trained, by the name under which the tasks ask for it."""

    @property
    @abstractmethod
    def tasks(self) -> Mapping[str, Callable[["StudyContext"], Results]]:
        """What is measured and drawn, in this order; each returns numbers for the report."""


class StudyContext:
    """What a task is given: the trained runs, and a place for its figures."""

    def __init__(self, folder: Path, runs: Mapping[str, list[Run]]) -> None:
        self.folder = folder
        self.captions: dict[str, str] = {}
        self._runs = runs
        self._opened: dict[Path, OpenRun] = {}
        self._datasets: Datasets = {}

    def next_task(self) -> "StudyContext":
        """Returns the context of the next task: no captions yet, and all that was opened before."""
        following = copy.copy(self)
        following.captions = {}
        return following

    def runs(self, experiment: str) -> list[Run]:
        """Returns the finished runs of an experiment, one for each seed."""
        return self._runs[experiment]

    def run(self, experiment: str) -> Run:
        """Returns the run of an experiment's first seed."""
        return self._runs[experiment][0]

    def open(self, run: Run) -> OpenRun:
        """Returns a run opened: its model, data set and codes, shared by all tasks of a study."""
        return self._opened.setdefault(run.folder, OpenRun(run, self._datasets))

    def draw(self, name: str, figure: Figure, caption: str) -> None:
        """Keeps a deliverable as PDF and PNG.

        Args:
            name: of the files, without their ending, for example `task-1b-elbo-gaussian`.
            figure: to be kept.
            caption: what it shows, a sentence or two.
        """
        for suffix in SUFFIXES:
            with atomic_write(self.folder / f"{name}{suffix}") as temporary, house_style():
                nameless = {"CreationDate": None} if suffix == ".pdf" else {}
                figure.savefig(temporary, metadata=nameless)
        self.captions[name] = caption


def over_seeds(numbers: Sequence[float]) -> dict[str, float]:
    """Returns the mean of a number over seeds with its 95 % interval (Student's t)."""
    mean = sum(numbers) / len(numbers)
    low, high = interval_of_mean(numbers) or (mean, mean)
    return {"mean": mean, "low": low, "high": high}


def for_smoke(training: Training) -> Training:
    """Returns a training that takes a second: a few steps, a few images at each look."""
    few = {"validation_images": 200, "training_images": 200, "log_every": 3, "validate_every": 3}
    return replace(training, epochs=None, steps=6, batch_size=64, **few)  # type: ignore[arg-type]
