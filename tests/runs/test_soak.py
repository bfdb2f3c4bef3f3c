"""Trainings that are killed, at each of their file operations and at random, and taken up again.

`make soak` kills a hundred times at random; DISTAFF_SOAK_KILLS says how often.
"""

import hashlib
import json
import math
import multiprocessing
import os
import random
import signal
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

import distaff.train
from distaff.data import Circles
from distaff.experiment import Experiment
from distaff.models import BetaVAE
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.runs import Run, run_folder
from distaff.runs.checkpoints import load, present
from distaff.training import Training

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("DISTAFF_SOAK_KILLS", "30"))
LONGEST_LIFE = 0.6
"""Seconds from the first step on; a whole training that saves at each step takes longer."""
EXPERIMENT = Experiment(
    name="soak",
    data=Circles.Config(size=16, positions=8, shape_sizes=(4,)),
    model=BetaVAE.Config(
        latents=3,
        encoder=DenseEncoder.Config(hidden=(16,)),
        decoder=DenseDecoder.Config(hidden=(16,)),
    ),
    training=Training(
        steps=60,
        batch_size=16,
        binarize=True,
        log_every=2,
        validate_every=5,
        validation_images=16,
        patience=100,
        device="cpu",
    ),
)
OPERATIONS = ("open", "os.rename", "os.remove", "os.truncate", "os.mkdir")
SHORT = replace(EXPERIMENT, training=replace(EXPERIMENT.training, steps=2))


class Witness:
    """Says when it begins, and what optimiser and generator have come to at the end."""

    def __init__(self, begun: Any) -> None:
        self.begun = begun

    def start(self, run: Any, trainer: Any) -> None:
        self.run = run
        self.begun.send("now")
        self.advance(trainer, [])

    def advance(self, trainer: Any, records: Any) -> None:  # noqa: ARG002
        if trainer.finished:
            digest = hashlib.sha256(trainer.noise_generator.get_state().numpy())
            for state in trainer.optimizers["vae"].state.values():
                for name in ("step", "exp_avg", "exp_avg_sq"):
                    digest.update(state[name].contiguous().numpy())
            (self.run.folder / "end.txt").write_text(digest.hexdigest())


def train_here(experiment: Experiment, runs: Path, die_at: int | None, begun: Any) -> None:
    """What a child process does: a training that saves its state at each step."""
    distaff.train.SECONDS_BETWEEN_CHECKPOINTS = 0.0
    distaff.train.CHECKPOINTS_SHARE = math.inf
    if die_at is not None:
        die_at_file_operation(die_at, str(runs))
    distaff.train.train(experiment, runs, resume=True, progress=Witness(begun))


def die_at_file_operation(number: int, runs: str) -> None:
    """Kills this process when it is about to open, rename, cut or remove a file for that time."""
    operations = count()

    def hook(event: Any, arguments: Any) -> None:
        mine = event in OPERATIONS and str(arguments[0]).startswith(runs)
        if mine and next(operations) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


@pytest.fixture(scope="module")
def start() -> Any:
    """Returns a function that starts a training in a process of its own.

    The processes are forked from one that has imported torch and started no thread.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["distaff.train", "torch.utils.tensorboard", "torch._dynamo"])

    def start_one(experiment: Experiment, runs: Path, die_at: int | None = None) -> Any:
        begun, ours = context.Pipe(duplex=False)
        process = context.Process(target=train_here, args=(experiment, runs, die_at, ours))
        process.start()
        process.begun = begun  # type: ignore[attr-defined]
        ours.close()  # so that the end of the process is heard too
        return process

    return start_one


@pytest.fixture
def uninterrupted(start: Any, tmp_path: Path) -> Any:
    """Returns a function that trains an experiment without an interruption."""

    def train(experiment: Experiment) -> Run:
        process = start(experiment, tmp_path / "whole")
        process.join()
        assert process.exitcode == 0
        return Run(run_folder(tmp_path / "whole", experiment, 0))

    return train


def assert_equal(run: Run, whole: Run) -> None:
    digests = {hashlib.sha256(each.model_file.read_bytes()).hexdigest() for each in (run, whole)}
    assert len(digests) == 1
    assert without_seconds(run) == without_seconds(whole)
    assert (run.folder / "end.txt").read_text() == (whole.folder / "end.txt").read_text()
    left = {path.name for path in run.folder.iterdir() if "tfevents" not in path.name}
    files = {"experiment.json", "environment.json", "train.jsonl", "model.safetensors"}
    assert left == files | {".lock", "end.txt"}


def without_seconds(run: Run) -> list[str]:
    return [json.dumps({k: v for k, v in line.items() if k != "seconds"}) for line in run.log]


def test_a_kill_at_any_file_operation_changes_nothing(
    start: Any, uninterrupted: Any, tmp_path: Path
) -> None:
    whole = uninterrupted(SHORT)
    for number in count():
        run = Run(run_folder(tmp_path / str(number), SHORT, 0))
        first = start(SHORT, tmp_path / str(number), number)
        first.join()
        assert first.exitcode in (0, -signal.SIGKILL)
        second = start(SHORT, tmp_path / str(number))
        second.join()
        assert second.exitcode == 0
        assert_equal(run, whole)
        if first.exitcode == 0:  # there is no operation of that number
            break
    assert number > 25


def test_kills_at_random_change_nothing(start: Any, uninterrupted: Any, tmp_path: Path) -> None:
    whole, times = uninterrupted(EXPERIMENT), random.Random(0)
    kills, number, compared = 0, 0, 0
    while kills < KILLS or compared < number + 1:
        runs = tmp_path / str(number)
        run = Run(run_folder(runs, EXPERIMENT, 0))
        process = start(EXPERIMENT, runs)
        if kills < KILLS:
            if times.random() < 0.9:  # else even before the first step
                process.begun.poll(60)
            process.join(times.uniform(0, LONGEST_LIFE))
            process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            kills += 1
            if present(run.folder):
                load(run.folder, torch.device("cpu"))  # one at least is whole at any moment
        else:
            assert process.exitcode == 0
            assert_equal(run, whole)
            compared, number = compared + 1, number + (kills < KILLS)
