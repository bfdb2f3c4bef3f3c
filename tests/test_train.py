import errno
import json
import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import distaff
from distaff.errors import Interrupted, RunError, RunWarning
from distaff.experiment import Experiment
from distaff.models import BetaVAE
from distaff.runs import Run, find_runs, run_folder
from distaff.runs.checkpoints import BEFORE, NEWEST, load
from distaff.train import train
from distaff.training.nonfinite import NonFiniteLossError


class StopAt:
    """Sends this process a signal at a step, as a person or a cluster would."""

    def __init__(self, step: int, number: int = signal.SIGINT) -> None:
        self.step, self.number = step, number

    def start(self, run: Any, trainer: Any) -> None:
        pass

    def advance(self, trainer: Any, records: Any) -> None:  # noqa: ARG002
        if trainer.current_step == self.step:
            os.kill(os.getpid(), self.number)


def lines(run: Run) -> list[dict]:  # type: ignore[type-arg]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in run.log]


def test_a_run_leaves_plain_files_behind(small_experiment: Experiment, tmp_path: Path) -> None:
    (run,) = train(small_experiment, tmp_path)
    assert run.folder.parent.parent == tmp_path / "small"
    written = {p.name for p in run.folder.iterdir() if "tfevents" not in p.name}
    named = {"experiment.json", "environment.json", "train.jsonl", "model.safetensors"}
    assert written == named | {".lock"}
    assert run.experiment == small_experiment
    environment = run.read("environment.json")
    assert environment["steps"] == 20
    assert environment["derived_settings"]["beta"] == 4


def test_tensorboard_has_the_log(small_experiment: Experiment, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

    (run,) = train(small_experiment, tmp_path)
    events = EventAccumulator(str(run.folder))
    events.Reload()
    shown = [(e.step, e.value) for e in events.Scalars("kl/train")]
    logged = [(line["step"], line["kl"]) for line in run.log if line["split"] == "train"]
    assert [step for step, _ in shown] == [step for step, _ in logged]
    assert [v for _, v in shown] == pytest.approx([v for _, v in logged])


def test_a_finished_run_is_found_and_not_trained_twice(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    (run,) = train(small_experiment, tmp_path)
    written = run.model_file.stat().st_mtime_ns
    (again,) = train(small_experiment, tmp_path)
    assert again.folder == run.folder
    assert again.model_file.stat().st_mtime_ns == written


def test_each_seed_is_a_run_of_its_own(small_experiment: Experiment, tmp_path: Path) -> None:
    first, second = train(replace(small_experiment, seeds=(0, 3)), tmp_path)
    assert (first.seed, second.seed) == (0, 3)
    assert lines(first) != lines(second)
    (alone,) = train(replace(small_experiment, seeds=(3,)), tmp_path / "alone")
    assert lines(alone) == lines(second)
    assert alone.model_file.read_bytes() == second.model_file.read_bytes()


def test_other_settings_are_another_folder_and_other_metrics_are_not(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    def folder(e: Any) -> Any:
        return run_folder(tmp_path, e, 0)

    changed = replace(small_experiment, model=replace(small_experiment.model, latents=4))  # type: ignore[call-arg]
    assert folder(changed) != folder(small_experiment)
    assert folder(replace(small_experiment, metrics=(), seeds=(1,))) == folder(small_experiment)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [3, 12])
def test_a_run_that_was_stopped_goes_on_to_the_bit(
    small_experiment: Experiment, tmp_path: Path, step: int, number: Any
) -> None:
    (whole,) = train(small_experiment, tmp_path / "whole")
    with pytest.raises(Interrupted, match=f"stopped at step {step} of 20.*--resume"):
        train(small_experiment, tmp_path / "broken", progress=StopAt(step, number))
    (broken,) = find_runs(tmp_path / "broken")
    assert broken.interrupted
    assert not broken.finished
    with pytest.raises(RunError, match="not finished; continue it with --resume"):
        distaff.load(broken.folder)
    with pytest.raises(RunError, match="was interrupted; continue it with --resume"):
        train(small_experiment, tmp_path / "broken")
    train(small_experiment, tmp_path / "broken", resume=True)
    assert broken.finished
    assert not broken.interrupted
    assert broken.model_file.read_bytes() == whole.model_file.read_bytes()
    assert lines(broken) == lines(whole)


def test_lines_logged_after_the_last_checkpoint_are_not_logged_twice(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path, progress=StopAt(7))
    (run,) = find_runs(tmp_path)
    with run.log_file.open("a") as file:
        file.write(json.dumps({"split": "train", "step": 10, "kl": 0, "seconds": 1}) + "\n")
        file.write('{"split": "tr')  # as a kill in the middle of a line leaves it
    train(small_experiment, tmp_path, resume=True)
    assert [line["step"] for line in run.log if line["split"] == "train"] == [5, 10, 15, 20]


def test_a_training_in_a_thread_needs_no_signals(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    thread = threading.Thread(target=train, args=(small_experiment, tmp_path))
    thread.start()
    thread.join()
    assert find_runs(tmp_path)[0].finished


def test_a_damaged_checkpoint_is_refused(small_experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path, progress=StopAt(7))
    (run,) = find_runs(tmp_path)
    content = (run.folder / NEWEST).read_bytes()
    (run.folder / NEWEST).write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match=r"resume.pt is damaged; remove .* to start again"):
        train(small_experiment, tmp_path, resume=True)


@pytest.fixture
def save_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a training write a checkpoint after each of its steps."""
    monkeypatch.setattr("distaff.train.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr("distaff.train.CHECKPOINTS_SHARE", math.inf)


@pytest.mark.usefixtures("save_each_step")
def test_from_a_damaged_checkpoint_the_one_before_is_gone_on_from_to_the_bit(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    (whole,) = train(small_experiment, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path / "broken", progress=StopAt(11))
    (run,) = find_runs(tmp_path / "broken")
    # the state at the stop is that of the last step, which was saved already: step 11 twice
    (run.folder / BEFORE).write_bytes((run.folder / NEWEST).read_bytes())
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path / "broken", resume=True, progress=StopAt(13))
    (run.folder / NEWEST).write_bytes(b"distaff checkpoint 1")
    with pytest.warns(RunWarning, match=r"resume.pt is damaged; going on from .*, at step 13\.$"):
        train(small_experiment, tmp_path / "broken", resume=True)
    assert run.model_file.read_bytes() == whole.model_file.read_bytes()
    assert lines(run) == lines(whole)


def test_a_checkpoint_of_another_run_is_refused(
    small_experiment: Experiment, tmp_path: Path, with_training: Callable[..., Experiment]
) -> None:
    runs = {}
    for steps in (20, 21):
        experiment = with_training(small_experiment, steps=steps)
        with pytest.raises(Interrupted):
            train(experiment, tmp_path, progress=StopAt(7))
        runs[steps] = Run(run_folder(tmp_path, experiment, 0))
    (runs[20].folder / NEWEST).write_bytes((runs[21].folder / NEWEST).read_bytes())
    with pytest.raises(RunError, match=r"resume.pt is not a checkpoint of this run"):
        train(small_experiment, tmp_path, resume=True)


def test_a_log_that_has_lost_lines_is_refused(small_experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path, progress=StopAt(7))
    (run,) = find_runs(tmp_path)
    run.log_file.unlink()
    with pytest.raises(RunError, match=r"train.jsonl has 0 of the \d+ bytes"):
        train(small_experiment, tmp_path, resume=True)


class Meanwhile:
    """Does something in the folder of a run after a step."""

    def __init__(self, step: int, action: Any) -> None:
        self.step, self.action = step, action

    def start(self, run: Any, trainer: Any) -> None:  # noqa: ARG002
        self.run = run

    def advance(self, trainer: Any, records: Any) -> None:  # noqa: ARG002
        if trainer.current_step == self.step:
            self.action(self.run)


def test_a_second_training_of_the_same_run_is_refused_while_the_first_is_at_it(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    said = []

    def once_more(_: Any) -> None:
        for resume in (False, True):
            with pytest.raises(RunError) as caught:
                train(small_experiment, tmp_path, resume=resume)
            said.append(str(caught.value))

    (run,) = train(small_experiment, tmp_path, progress=Meanwhile(7, once_more))
    assert all("is being trained by another process" in sentence for sentence in said)
    assert len(said) == 2
    (alone,) = train(small_experiment, tmp_path / "alone")
    assert run.model_file.read_bytes() == alone.model_file.read_bytes()
    assert lines(run) == lines(alone)


@pytest.mark.usefixtures("save_each_step")
def test_a_folder_that_is_removed_under_a_training_stays_removed(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    remove = Meanwhile(7, lambda run: shutil.rmtree(run.folder))
    with pytest.raises(RunError, match=r"seed-0 was removed while it was trained"):
        train(small_experiment, tmp_path, progress=remove)
    assert not list(tmp_path.rglob("seed-0"))


@pytest.mark.usefixtures("save_each_step")
@pytest.mark.parametrize("step", [3, 8, 19])
def test_a_disk_that_is_full_loses_nothing_that_was_saved(
    small_experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    (whole,) = train(small_experiment, tmp_path / "whole")

    def full(_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    fill = Meanwhile(step, lambda _: monkeypatch.setattr(os, "fsync", full))
    with monkeypatch.context() as context:
        fill.action = lambda _: context.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"cannot write .*No space left on device.*free some"):
            train(small_experiment, tmp_path / "broken", progress=fill)
    (run,) = find_runs(tmp_path / "broken")
    assert run.interrupted
    train(small_experiment, tmp_path / "broken", resume=True)
    assert run.model_file.read_bytes() == whole.model_file.read_bytes()
    assert lines(run) == lines(whole)


@pytest.mark.usefixtures("save_each_step")
def test_a_clock_that_is_set_back_changes_nothing(
    small_experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = train(small_experiment, tmp_path / "whole")
    times = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(times)))
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path / "broken", progress=StopAt(7))
    (run,) = train(small_experiment, tmp_path / "broken", resume=True)
    assert lines(run) == lines(whole)
    seconds = [line["seconds"] for line in run.log]
    assert seconds == sorted(seconds)
    assert 0 < run.environment["seconds"] < 100


def test_what_a_killed_process_left_behind_is_removed_at_the_next_start(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path, progress=StopAt(7))
    (run,) = find_runs(tmp_path)
    (run.folder / ".distaff-0123456789abcdef-resume.pt").write_bytes(b"half a checkpoint")
    train(small_experiment, tmp_path, resume=True)
    (run.folder / BEFORE).write_bytes(b"a kill before the last of the finishing")
    train(small_experiment, tmp_path)
    left = {path.name for path in run.folder.iterdir()}
    assert not [name for name in left if name.startswith((".distaff", "resume"))]


def test_a_run_of_a_newer_version_is_not_written_over(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path, progress=StopAt(7))
    (run,) = find_runs(tmp_path)
    run.write("experiment.json", run.read("experiment.json") | {"format": 2, "distaff": "9.1"})
    with pytest.raises(RunError, match=r"made by distaff 9.1, in format 2; .*upgrade"):
        train(small_experiment, tmp_path, resume=True)
    assert run.read("experiment.json")["format"] == 2


def test_a_loss_that_is_not_finite_keeps_the_state_and_the_batch(
    small_experiment: Experiment, tmp_path: Path, with_training: Callable[..., Experiment]
) -> None:
    wild = with_training(small_experiment, learning_rate=1e6)
    with pytest.raises(NonFiniteLossError, match=r"the batch is in .*nonfinite.safetensors"):
        train(wild, tmp_path)
    (run,) = find_runs(tmp_path)
    culprit = safetensors.torch.load_file(run.folder / "nonfinite.safetensors")
    assert culprit["images"].shape == (16, 1, 16, 16)
    state = load(run.folder, torch.device("cpu")).state
    assert all(torch.isfinite(p).all() for p in state["fit"]["model"].values())
    assert not run.finished


@pytest.fixture
def bad_steps(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the loss of these steps be no number."""
    steps = set()  # type: ignore[var-annotated]
    settings = BetaVAE.settings

    def poisoned(model: Any, step: Any) -> Any:
        return {"beta": math.nan} if step in steps else settings(model, step)

    monkeypatch.setattr(BetaVAE, "settings", poisoned)
    return steps


def test_a_run_that_stopped_at_a_loss_that_is_no_number_goes_on_without_that_batch(
    small_experiment: Experiment,
    tmp_path: Path,
    with_training: Callable[..., Experiment],
    bad_steps: Any,
) -> None:
    bad_steps |= {3, 5, 11}
    skipping = with_training(small_experiment, on_nan="skip")
    with pytest.raises(NonFiniteLossError, match=r"at step 3 .*the last good state is kept"):
        train(small_experiment, tmp_path)
    (run,) = find_runs(tmp_path)
    culprit = run.nonfinite_batch_file.read_bytes()
    with pytest.raises(NonFiniteLossError, match="at step 3"):
        train(small_experiment, tmp_path, resume=True)
    (resumed,) = train(skipping, tmp_path, resume=True)
    assert resumed.folder == run.folder
    assert resumed.experiment.training.on_nan == "skip"
    assert run.nonfinite_batch_file.read_bytes() == culprit  # the first, not the last
    skipped = [line["skipped"] for line in run.log if line["split"] == "train"]
    assert skipped == [1, 1, 1, 0]
    (whole,) = train(skipping, tmp_path / "whole")
    assert run.model_file.read_bytes() == whole.model_file.read_bytes()
    assert lines(run) == lines(whole)


@pytest.mark.usefixtures("save_each_step")
def test_a_run_that_skips_goes_on_to_the_bit(
    small_experiment: Experiment,
    tmp_path: Path,
    with_training: Callable[..., Experiment],
    bad_steps: Any,
) -> None:
    bad_steps |= {3, 5, 11}
    skipping = with_training(small_experiment, on_nan="skip")
    (whole,) = train(skipping, tmp_path / "whole")
    for step in (5, 12):
        with pytest.raises(Interrupted):
            train(skipping, tmp_path / "broken", resume=True, progress=StopAt(step))
    (broken,) = train(skipping, tmp_path / "broken", resume=True)
    for name in ("model.safetensors", "nonfinite.safetensors"):
        assert (broken.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    assert lines(broken) == lines(whole)


def poison(name: str) -> Any:
    def spoil(trainer: Any) -> None:
        with torch.no_grad():
            if name == "parameter":
                next(iter(trainer.model.parameters())).view(-1)[0] = math.inf
            else:
                state = trainer.optimizers["vae"].state.values()
                next(iter(state))["exp_avg_sq"].view(-1)[0] = math.inf

    return spoil


@pytest.mark.usefixtures("save_each_step")
@pytest.mark.parametrize(("what", "step"), [("parameter", 7), ("optimiser", 7), ("parameter", 20)])
def test_a_state_that_is_not_finite_is_never_saved(
    small_experiment: Experiment, tmp_path: Path, what: str, step: int
) -> None:
    class Spoil(StopAt):
        def advance(self, trainer: Any, records: Any) -> None:  # noqa: ARG002
            if trainer.current_step == step:
                poison(what)(trainer)

    with pytest.raises(RunError, match="no longer finite numbers, and are not saved"):
        train(small_experiment, tmp_path, progress=Spoil(step))
    (run,) = find_runs(tmp_path)
    assert load(run.folder, torch.device("cpu")).state["fit"]["step"] == step - 1
    assert not run.finished


def test_a_loaded_model_gives_the_trained_images(
    small_experiment: Experiment, tmp_path: Path, generator: torch.Generator
) -> None:
    (run,) = train(small_experiment, tmp_path)
    images = torch.rand(2, 1, 16, 16, generator=generator)
    first, second = distaff.load(run.folder), distaff.load(str(tmp_path))
    assert torch.equal(first.reconstruct(images), second.reconstruct(images))
    assert not first.training


def test_a_run_from_before_the_factors_names_were_kept_still_loads(
    small_experiment: Experiment, tmp_path: Path, generator: torch.Generator
) -> None:
    (run,) = train(small_experiment, tmp_path)
    content = run.read("experiment.json")
    assert "posX" in content["spec"].pop()
    images, expected = torch.rand(2, 1, 16, 16, generator=generator), run.load_model()
    run.write("experiment.json", content)
    assert torch.equal(
        Run(run.folder).load_model().reconstruct(images),  # type: ignore[operator]
        expected.reconstruct(images),  # type: ignore[operator]
    )


def test_folders_that_are_no_run_are_refused(small_experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run in"):
        distaff.load(tmp_path)
    with pytest.raises(RunError, match="no folder"):
        distaff.load(tmp_path / "nothing")
    train(replace(small_experiment, seeds=(0, 1)), tmp_path)
    with pytest.raises(RunError, match="holds 2 runs; give one"):
        distaff.load(tmp_path)


def test_a_model_file_that_is_cut_short_is_refused(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    (run,) = train(small_experiment, tmp_path)
    run.model_file.write_bytes(run.model_file.read_bytes()[:1000])
    with pytest.raises(RunError, match="does not hold the parameters"):
        run.load_model()


@pytest.mark.parametrize(
    "content", ["{", '{"experiment": {"name": 3}}', '{"experiment": {"model": {"kind": "gan"}}}']
)
def test_an_experiment_that_cannot_be_read_is_refused(
    small_experiment: Experiment, tmp_path: Path, content: str
) -> None:
    (run,) = train(small_experiment, tmp_path)
    (run.folder / "experiment.json").write_text(content)
    with pytest.raises(RunError, match=r"damaged|not one that this version"):
        _ = Run(run.folder).experiment


def test_a_folder_that_cannot_be_written_to_is_named(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    with pytest.raises(RunError, match=r"cannot write .*choose another folder"):
        train(small_experiment, tmp_path / "runs")


def test_settings_survive_json(
    small_experiment: Experiment, tmp_path: Path, with_training: Callable[..., Experiment]
) -> None:
    changed = with_training(small_experiment, gradient_clip=0.5, patience=3, schedule="cosine")
    changed = replace(changed, model=replace(changed.model, beta=None, normalized_beta=0.1))  # type: ignore[call-arg]
    (run,) = train(changed, tmp_path)
    assert run.experiment == changed
    assert math.isclose(run.read("environment.json")["derived_settings"]["normalized_beta"], 0.1)
