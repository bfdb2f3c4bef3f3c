import json
import math
import os
import signal
import threading
from dataclasses import replace

import pytest
import safetensors.torch
import torch

import distaff
from distaff.errors import Interrupted, RunError
from distaff.fit import NonFiniteLossError
from distaff.runs import Run, find_runs, run_folder
from distaff.train import train


class StopAt:
    """Sends this process a signal at a step, as a person or a cluster would."""

    def __init__(self, step: int, number: int = signal.SIGINT) -> None:
        self.step, self.number = step, number

    def start(self, run, fitting) -> None:
        pass

    def advance(self, fitting, records) -> None:  # noqa: ARG002
        if fitting.step == self.step:
            os.kill(os.getpid(), self.number)


def lines(run: Run) -> list[dict]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in run.log]


def test_a_run_leaves_plain_files_behind(small_experiment, tmp_path):
    (run,) = train(small_experiment, tmp_path)
    assert run.folder.parent.parent == tmp_path / "small"
    written = {p.name for p in run.folder.iterdir() if "tfevents" not in p.name}
    assert written == {"experiment.json", "environment.json", "train.jsonl", "model.safetensors"}
    assert run.experiment == small_experiment
    environment = run.read("environment.json")
    assert environment["steps"] == 20
    assert environment["derived_settings"]["beta"] == 4


def test_tensorboard_has_the_log(small_experiment, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (run,) = train(small_experiment, tmp_path)
    events = EventAccumulator(str(run.folder))
    events.Reload()
    shown = [(e.step, e.value) for e in events.Scalars("kl/train")]
    logged = [(line["step"], line["kl"]) for line in run.log if line["split"] == "train"]
    assert [step for step, _ in shown] == [step for step, _ in logged]
    assert [v for _, v in shown] == pytest.approx([v for _, v in logged])


def test_a_finished_run_is_found_and_not_trained_twice(small_experiment, tmp_path):
    (run,) = train(small_experiment, tmp_path)
    written = run.model_file.stat().st_mtime_ns
    (again,) = train(small_experiment, tmp_path)
    assert again.folder == run.folder
    assert again.model_file.stat().st_mtime_ns == written


def test_each_seed_is_a_run_of_its_own(small_experiment, tmp_path):
    first, second = train(replace(small_experiment, seeds=(0, 3)), tmp_path)
    assert (first.seed, second.seed) == (0, 3)
    assert lines(first) != lines(second)
    (alone,) = train(replace(small_experiment, seeds=(3,)), tmp_path / "alone")
    assert lines(alone) == lines(second)
    assert alone.model_file.read_bytes() == second.model_file.read_bytes()


def test_other_settings_are_another_folder_and_other_metrics_are_not(small_experiment, tmp_path):
    def folder(e):
        return run_folder(tmp_path, e, 0)

    changed = replace(small_experiment, model=replace(small_experiment.model, latents=4))
    assert folder(changed) != folder(small_experiment)
    assert folder(replace(small_experiment, metrics=(), seeds=(1,))) == folder(small_experiment)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [3, 12])
def test_a_run_that_was_stopped_goes_on_to_the_bit(small_experiment, tmp_path, step, number):
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


def test_lines_logged_after_the_last_checkpoint_are_not_logged_twice(small_experiment, tmp_path):
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path, progress=StopAt(7))
    (run,) = find_runs(tmp_path)
    with run.log_file.open("a") as file:
        file.write(json.dumps({"split": "train", "step": 10, "kl": 0, "seconds": 1}) + "\n")
        file.write('{"split": "tr')  # as a kill in the middle of a line leaves it
    train(small_experiment, tmp_path, resume=True)
    assert [line["step"] for line in run.log if line["split"] == "train"] == [5, 10, 15, 20]


def test_a_training_in_a_thread_needs_no_signals(small_experiment, tmp_path):
    thread = threading.Thread(target=train, args=(small_experiment, tmp_path))
    thread.start()
    thread.join()
    assert find_runs(tmp_path)[0].finished


def test_a_damaged_checkpoint_is_refused(small_experiment, tmp_path):
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path, progress=StopAt(7))
    (run,) = find_runs(tmp_path)
    content = run.resume_file.read_bytes()
    run.resume_file.write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match=r"resume.pt is damaged"):
        train(small_experiment, tmp_path, resume=True)


def test_a_loss_that_is_not_finite_keeps_the_state_and_the_batch(
    small_experiment, tmp_path, with_training
):
    wild = with_training(small_experiment, learning_rate=1e6)
    with pytest.raises(NonFiniteLossError, match=r"the batch is in .*nonfinite.safetensors"):
        train(wild, tmp_path)
    (run,) = find_runs(tmp_path)
    culprit = safetensors.torch.load_file(run.folder / "nonfinite.safetensors")
    assert culprit["images"].shape == (16, 1, 16, 16)
    state = torch.load(run.resume_file, weights_only=True)
    assert all(torch.isfinite(p).all() for p in state["fit"]["model"].values())
    assert not run.finished


def test_a_loaded_model_gives_the_trained_images(small_experiment, tmp_path, generator):
    (run,) = train(small_experiment, tmp_path)
    images = torch.rand(2, 1, 16, 16, generator=generator)
    first, second = distaff.load(run.folder), distaff.load(str(tmp_path))
    assert torch.equal(first.reconstruct(images), second.reconstruct(images))
    assert not first.training


def test_a_run_from_before_the_factors_names_were_kept_still_loads(
    small_experiment, tmp_path, generator
):
    (run,) = train(small_experiment, tmp_path)
    content = run.read("experiment.json")
    assert "posX" in content["spec"].pop()
    images, expected = torch.rand(2, 1, 16, 16, generator=generator), run.load_model()
    run.write("experiment.json", content)
    assert torch.equal(run.load_model().reconstruct(images), expected.reconstruct(images))


def test_folders_that_are_no_run_are_refused(small_experiment, tmp_path):
    with pytest.raises(RunError, match="no run in"):
        distaff.load(tmp_path)
    with pytest.raises(RunError, match="no folder"):
        distaff.load(tmp_path / "nothing")
    train(replace(small_experiment, seeds=(0, 1)), tmp_path)
    with pytest.raises(RunError, match="holds 2 runs; give one"):
        distaff.load(tmp_path)


def test_a_model_file_that_is_cut_short_is_refused(small_experiment, tmp_path):
    (run,) = train(small_experiment, tmp_path)
    run.model_file.write_bytes(run.model_file.read_bytes()[:1000])
    with pytest.raises(RunError, match="does not hold the parameters"):
        run.load_model()


@pytest.mark.parametrize(
    "content", ["{", '{"experiment": {"name": 3}}', '{"experiment": {"model": {"kind": "gan"}}}']
)
def test_an_experiment_that_cannot_be_read_is_refused(small_experiment, tmp_path, content):
    (run,) = train(small_experiment, tmp_path)
    (run.folder / "experiment.json").write_text(content)
    with pytest.raises(RunError, match=r"damaged|not one that this version"):
        _ = Run(run.folder).experiment


def test_a_folder_that_cannot_be_written_to_is_named(small_experiment, tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    with pytest.raises(RunError, match=r"cannot write .*choose another folder"):
        train(small_experiment, tmp_path / "runs")


def test_settings_survive_json(small_experiment, tmp_path, with_training):
    changed = with_training(small_experiment, gradient_clip=0.5, patience=3, schedule="cosine")
    changed = replace(changed, model=replace(changed.model, beta=None, normalized_beta=0.1))
    (run,) = train(changed, tmp_path)
    assert run.experiment == changed
    assert math.isclose(run.read("environment.json")["derived_settings"]["normalized_beta"], 0.1)
