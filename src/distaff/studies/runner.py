"""How a study is run: trainings, then measurements, then a report.

runs/studies/<study>/<budget>/
    report.pdf, report.html    the report; report.typ is its source
    index.html                 every deliverable with its caption
    task-1b-elbo-gaussian.pdf  deliverables, each as PDF and as PNG
    results.json               every number of the report
    results/                   the same, a file for each task: its presence means finished

Its trainings lie in runs/studies/<study>/runs/, apart from the person's own.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, Protocol, TypedDict, runtime_checkable

from distaff.experiment import Experiment, to_json
from distaff.files import atomic_write, read_json, write_json
from distaff.pages.html import TEMPLATES, write_page
from distaff.pages.typst import typeset
from distaff.runs import Run, run_folder, study_runs
from distaff.studies.study import SUFFIXES, Results, Study, StudyContext
from distaff.train import Progress, train


class TaskRecord(TypedDict):
    """What is kept of a finished task."""

    stamp: str
    """What the numbers depend on; where it changes, they are stale."""
    seconds: float
    figures: dict[str, str]
    """Captions by the names of the files."""
    results: Results


class Step(NamedTuple):
    """One piece of work of a study."""

    name: str
    what: str
    """Training or task."""
    finished: bool
    seconds: float
    """What it takes on two cores, about."""


@runtime_checkable
class StudyProgress(Progress, Protocol):
    """Who watches a study."""

    def training(self, name: str, place: int, count: int) -> None:
        """One of the study's trainings begins, or is found finished."""

    def task(self, name: str) -> None:
        """A task begins."""


def plan(study: Study, runs: Path | str = "runs") -> list[Step]:
    """Returns the steps of a study, which of them are finished, and how long each takes."""
    runs = Path(runs)
    seconds = study.estimates.get(study.budget, {})
    trainings = [
        Step(
            name,
            "training",
            all(run.finished for run in _runs_of(study, runs, experiment)),
            seconds.get(name, 0.0),
        )
        for name, experiment in _distinct(study.experiments).items()
    ]
    ready = all(step.finished for step in trainings)
    stamp = _stamp(study, _trained(study, runs)) if ready else ""
    folder = study_folder(runs, study)
    return trainings + [
        Step(name, "task", ready and _finished(folder, name, stamp), seconds.get(name, 0.0))
        for name in study.tasks
    ]


def run_study(
    study: Study, runs: Path | str = "runs", *, watcher: StudyProgress | None = None
) -> Path:
    """Runs the unfinished steps of a study and writes its report.

    Args:
        study: what to do.
        runs: folder that holds all runs; interrupted ones in it are continued.
        watcher: called at every training step and every task.

    Returns:
        The folder of the study.

    Raises:
        RunError: a folder cannot be written to.
        Interrupted: Ctrl-C during a training; the same call goes on from there.
    """
    runs = Path(runs)
    experiments = _distinct(study.experiments)
    for place, (name, experiment) in enumerate(experiments.items(), start=1):
        if watcher:
            watcher.training(name, place, len(experiments))
        train(experiment, study_runs(runs, study.name), resume=True, progress=watcher)
    trained = _trained(study, runs)
    folder, stamp = study_folder(runs, study), _stamp(study, trained)
    context = StudyContext(folder, trained)
    for name, task in study.tasks.items():
        if not _finished(folder, name, stamp):
            if watcher:
                watcher.task(name)
            _carry_out(name, task, context.next_task(), stamp)
    _write_report(study, folder, trained)
    return folder


def study_folder(runs: Path, study: Study) -> Path:
    """Returns where the deliverables of a study lie."""
    return runs / "studies" / study.name / study.budget


def _runs_of(study: Study, runs: Path, experiment: Experiment) -> list[Run]:
    own = study_runs(runs, study.name)
    return [Run(run_folder(own, experiment, seed)) for seed in experiment.seeds]


def _distinct(experiments: Mapping[str, Experiment]) -> dict[str, Experiment]:
    """Without second names for the same experiment."""
    kept: dict[str, Experiment] = {}
    for name, experiment in experiments.items():
        if experiment not in kept.values():
            kept[name] = experiment
    return kept


def _trained(study: Study, runs: Path) -> dict[str, list[Run]]:
    return {
        name: _runs_of(study, runs, experiment) for name, experiment in study.experiments.items()
    }


def _stamp(study: Study, trained: Mapping[str, list[Run]]) -> str:
    """What the results of a study depend on: parameters, budget, version."""
    digest = hashlib.sha256(f"{study.budget} {version('distaff')}".encode())
    for run in (run for runs in trained.values() for run in runs):
        digest.update(run.model_file.read_bytes())
    return digest.hexdigest()[:16]


def _finished(folder: Path, task: str, stamp: str) -> bool:
    """Whether the numbers of a task are of these parameters, and all its figures are there."""
    if not _file(folder, task).is_file():
        return False
    record = _record(folder, task)
    figures = [folder / f"{name}{suffix}" for name in record["figures"] for suffix in SUFFIXES]
    return record["stamp"] == stamp and all(figure.is_file() for figure in figures)


def _record(folder: Path, task: str) -> TaskRecord:
    record: TaskRecord = read_json(_file(folder, task), TaskRecord, again="run the study again")
    return record


def _file(folder: Path, task: str) -> Path:
    return folder / "results" / f"{task}.json"


def _carry_out(
    name: str, task: Callable[[StudyContext], Results], bench: StudyContext, stamp: str
) -> None:
    begin = time.monotonic()
    results = task(bench)
    record: TaskRecord = {
        "stamp": stamp,
        "seconds": time.monotonic() - begin,
        "figures": bench.captions,
        "results": results,
    }
    write_json(_file(bench.folder, name), record)


def _write_report(study: Study, folder: Path, trained: Mapping[str, list[Run]]) -> None:
    records = {name: _record(folder, name) for name in study.tasks}
    captions = {k: v for record in records.values() for k, v in record["figures"].items()}
    content: Results = {name: record["results"] for name, record in records.items()}
    content |= {
        "captions": captions,
        "budget": study.budget,
        "distaff": version("distaff"),
        "trainings": {name: _training(runs) for name, runs in trained.items()},
        "seconds": {name: record["seconds"] for name, record in records.items()},
    }
    write_json(folder / "results.json", content)
    for name, source in (("style.typ", TEMPLATES / "style.typ"), ("report.typ", study.source)):
        with atomic_write(folder / name) as temporary:
            shutil.copyfile(source, temporary)
    typeset(folder / "report.typ")
    write_page(folder / "index.html", "study.html", study=study, captions=captions)


def _training(runs: list[Run]) -> Results:
    """What the report says of a training: its settings, its length, its end."""
    environments = [run.environment for run in runs]
    return {
        "experiment": to_json(runs[0].experiment),
        "seeds": [run.seed for run in runs],
        "steps": [environment["steps"] for environment in environments],
        "seconds": [environment["seconds"] for environment in environments],
        "parameters": environments[0]["parameters"],
        "device": environments[0]["device"],
    }
