"""Where runs lie: their folders named, found, made and, after a start that failed, removed."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from distaff.data import FactorDataset
from distaff.data.digest import digest_of
from distaff.errors import RunError
from distaff.experiment import Experiment, to_json
from distaff.metrics.score import Score
from distaff.runs import lock, manifest, training_log
from distaff.runs.manifest import Manifest, read_manifest, write_manifest
from distaff.runs.run import SCORES, Run, read_scores

OF_A_STUDY = re.compile("/studies/[^/]+/runs/")


def study_runs(runs: Path, study: str) -> Path:
    """Returns the folder of the runs of a study, which `find_runs` of all runs passes over."""
    return runs / "studies" / study / "runs"


def run_folder(runs: Path, experiment: Experiment, seed: int) -> Path:
    """Returns where the run of this experiment and seed lives."""
    return runs / experiment.name / experiment.config_hash / f"seed-{seed}"


def find_runs(folder: Path, data_path: Path | None = None) -> list[Run]:
    """Returns the run in this folder, or all runs in the folders below it.

    Those that a study trained are passed over, unless the folder is `studies` or lies in it.

    Args:
        folder: of a run or of runs.
        data_path: where their data lie now, if they were moved.

    Raises:
        RunError: there is none.
    """
    if not folder.is_dir():
        raise RunError(f"no folder {folder}; give the folder of a run, or one that holds runs.")
    found = [Run(path.parent, data_path) for path in _files_below(folder, manifest.NAME)]
    if not found:
        raise RunError(
            f"no run in {folder}: no experiment.json in it or below; give the folder of a run."
        )
    return found


def load(path: Path | str, device: torch.device | str = "cpu") -> Any:
    """Returns the trained model of a run, of the class that its experiment names.

    Args:
        path: the folder of a run, or one that holds a single finished run.
        device: where to put the model.

    Raises:
        RunError: no run there, several that are finished, or an unfinished one.
    """
    found = find_runs(Path(path).expanduser())
    runs = [run for run in found if run.finished] or found
    if len(runs) > 1:
        raise RunError(f"{path} holds {len(runs)} runs; give one, for example {runs[0].folder}.")
    return runs[0].load_model(device)


def scores_without_run(folder: Path) -> dict[Path, dict[str, Score]]:
    """Returns the scores of anybody's codes in a folder and below, by their folders."""
    return {
        path.parent: read_scores(path)
        for path in _files_below(folder, SCORES)
        if path.is_file() and not (path.parent / manifest.NAME).is_file()
    }


def _files_below(folder: Path, name: str) -> list[Path]:
    """Returns the files of a name, but for those of the runs of studies."""
    found = sorted(folder.rglob(name))
    return [
        path for path in found if not OF_A_STUDY.search(f"/{path.relative_to(folder).as_posix()}")
    ]


def create(run: Run, experiment: Experiment, seed: int, dataset: FactorDataset) -> Run:
    """Prepares the folder of a run: writes down what it is.

    Raises:
        RunError: it holds a run that this version cannot read, one that was interrupted and was
            trained on other data, or cannot be written to.
    """
    digest: str | None = digest_of(dataset)
    if (run.folder / manifest.NAME).is_file():
        before = read_manifest(run.folder / manifest.NAME)
        if run.interrupted:
            run.check_data(dataset)
            digest = before.data_digest
    spec = dataset.split("train").spec
    write_manifest(run.folder, Manifest(experiment, seed, spec, digest))
    return Run(run.folder, run.data_path)


def check_experiment(run: Run, experiment: Experiment) -> None:
    """Refuses a run that was found by eight digits and is of another experiment all the same.

    Raises:
        RunError: what decides its parameters is not what was asked for.
    """
    own, asked = (
        {
            part: to_json(getattr(each, part), deciding=True)
            for part in ("data", "model", "training")
        }
        for each in (run.experiment, experiment)
    )
    if own != asked:
        different = ", ".join(part for part in own if own[part] != asked[part])
        raise RunError(
            f"the run at {run.folder} has other settings than those asked for ({different}); its "
            f"{manifest.NAME} was changed, or two experiments share a hash: give another --name."
        )


def remove_start(run: Run) -> None:
    """Removes the files of a training that never began, and the folders that are then empty."""
    files = [manifest.NAME, training_log.NAME, lock.NAME]
    for path in [run.folder / name for name in files] + list(run.folder.glob("events.out.tf*")):
        with suppress(OSError):
            path.unlink()
    with suppress(OSError):  # whatever else is there stays
        for folder in (run.folder, *run.folder.parents[:2]):
            folder.rmdir()
