"""A training keeps to its folder, and two writers keep apart."""

import multiprocessing
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_in import give_parameters

from distaff.errors import RunError
from distaff.evaluate import save_scores
from distaff.experiment import Experiment
from distaff.metrics.score import Score
from distaff.runs import Run, find_runs
from distaff.runs.lock import locked
from distaff.train import train


class DoAt:
    """Does something to the folder of a run after a step of its training."""

    def __init__(self, step: int, what: Any) -> None:
        self.step, self.what = step, what

    def start(self, run: Run, trainer: Any) -> None:  # noqa: ARG002
        self.folder = run.folder

    def advance(self, trainer: Any, records: Any) -> None:  # noqa: ARG002
        if trainer.current_step == self.step:
            self.what(self.folder)


def test_a_deleted_lock_lets_no_second_training_in(tmp_path: Path) -> None:
    with locked(tmp_path):
        (tmp_path / ".lock").unlink()
        with pytest.raises(RunError, match="is being trained by another process"), locked(tmp_path):
            pass
    with locked(tmp_path):
        pass


def moved(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def replaced(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "mine.txt").write_text("of another")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (moved, "was moved while it was trained; move it back"),
        (shutil.rmtree, "was removed while it was trained"),
        (replaced, "was replaced by another folder while it was trained"),
        (lambda folder: (folder / "train.jsonl").unlink(), "train.jsonl was deleted during"),
    ],
)
def test_a_folder_that_goes_is_noticed_and_what_is_in_its_place_left_alone(
    small_experiment: Experiment, tmp_path: Path, what: Any, message: str
) -> None:
    with pytest.raises(RunError, match=message):
        train(small_experiment, tmp_path, progress=DoAt(7, what))
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert "model.safetensors" not in files
    if what is replaced:
        assert files == {"mine.txt"}


def test_an_experiment_that_was_deleted_under_the_training_is_written_again(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    gone = DoAt(7, lambda folder: (folder / "experiment.json").unlink())
    train(small_experiment, tmp_path, progress=gone)
    (run,) = find_runs(tmp_path)
    assert run.experiment == small_experiment
    run.load_model()


@pytest.mark.parametrize("name", ["data", "model"])
def test_a_start_that_fails_leaves_nothing(
    small_experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(name)

    place = "distaff.train.load_from" if name == "data" else "distaff.train.build"
    monkeypatch.setattr(place, fail)
    with pytest.raises(RuntimeError):
        train(small_experiment, tmp_path / "runs")
    assert not list(tmp_path.rglob("*.json"))
    assert not (tmp_path / "runs" / "small").exists()


def test_a_run_whose_hash_is_right_and_whose_settings_are_not_is_refused(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    (run,) = train(small_experiment, tmp_path)
    content = run.read("experiment.json")
    content["experiment"]["training"]["learning_rate"] = 0.5
    run.write("experiment.json", content)
    with pytest.raises(RunError, match=r"has other settings than those asked for \(training\)"):
        train(small_experiment, tmp_path)


def save(folder: Path, name: str, times: int) -> None:
    for _ in range(times):
        save_scores(Run(folder), {name: Score(0.5, None, 0.0, 1.0, "none")})


def test_two_that_measure_at_once_keep_the_scores_of_both(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    (run,) = train(small_experiment, tmp_path)
    context = multiprocessing.get_context("fork")
    names = ["dci", "sap", "mcc", "med"]
    processes = [context.Process(target=save, args=(run.folder, name, 5)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert set(run.scores) == set(names)
    assert not list(run.folder.glob(".distaff-*"))


def test_parameters_of_another_run_are_refused(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    first, second = train(replace(small_experiment, seeds=(0, 1)), tmp_path)
    shutil.copy(second.model_file, first.model_file)
    with pytest.raises(RunError, match="is not the file that this training wrote"):
        first.load_model()


def test_parameters_that_are_no_numbers_are_refused(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    (run,) = train(small_experiment, tmp_path)
    model = run.load_model()
    next(model.parameters()).data.view(-1)[3] = np.nan
    give_parameters(run, model)
    with pytest.raises(RunError, match="some are no finite numbers"):
        run.load_model()


def test_parameters_that_may_not_be_read_are_not_called_damaged(
    small_experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = train(small_experiment, tmp_path)
    monkeypatch.setattr("distaff.runs.parameters.os.access", lambda *_: False)  # root may read all
    with pytest.raises(RunError, match=r"cannot read .*model.safetensors \(Permission denied\)"):
        run.load_model()
