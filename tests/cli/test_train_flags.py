"""What the flags of `distaff train` say is done, or said."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distaff.cli import main

SMALL = ["--model.encoder", "dense", "--model.decoder", "dense", "--training.device", "cpu"]


@pytest.fixture
def own(tmp_path: Path) -> list[str]:
    """The words that train a recipe of epochs on 640 small images."""
    images = np.random.default_rng(0).integers(0, 256, (640, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", images=images)
    words = ["train", "mnist-dense-vae", "--name", "a", "--data", "arrays"]
    words += ["--data.path", str(tmp_path / "x.npz"), "--runs", str(tmp_path / "r")]
    return [*words, "--training.device", "cpu", "--training.batch-size", "64"]


def last_step(folder: Path) -> int:
    (log,) = folder.rglob("train.jsonl")
    return int(json.loads(log.read_text().splitlines()[-1])["step"])


@pytest.mark.parametrize("flag", [["--training.steps", "7"], ["--training.steps=7"]])
def test_steps_win_over_the_epochs_of_a_recipe(
    own: list[str], tmp_path: Path, flag: list[str]
) -> None:
    assert main([*own, *flag]) == 0
    assert last_step(tmp_path) == 7


def test_steps_and_epochs_together_are_refused(
    own: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*own, "--training.steps", "7", "--training.epochs", "1"]) == 2
    assert "give one" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_kind_is_given_with_a_space_or_an_equals_sign_and_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SMALL, "--data.size=16", "--training.steps=2", "--runs", str(tmp_path), "--json"]
    folders = []
    for kind in (["--model", "vae"], ["--model=vae"], ["--model", "VAE"]):
        assert main(["train", "demo", *kind, *words]) == 0
        folders.append(json.loads(capsys.readouterr().out))
    assert folders[0] == folders[1] == folders[2]
    assert main(["train", "demo", "--model=vae", "--model", "beta-vae", *words]) == 2
    assert "--model is given 2 times" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--training.minimal-gain", "nan"], "minimal_gain is nan"),
        (["--training.minimal-gain=-inf"], "minimal_gain is -inf"),
        (["--training.batch-size", str(10**9)], "it must be at most 65,536"),
        (["--training.training-images=-5"], "training_images is -5"),
        (["--training.steps", str(10**30)], "it must be at most"),
        (["--model.latents", str(10**30)], "latents is"),
        (["--model.gamma", "nan"], "gamma is nan"),
        (["--model.gamma", "inf"], "gamma is inf"),
        (["--training.device", "cpu:99999999999999999999"], "no device"),
        (["--model.encoder.hidden", *["1"] * 300], "has 300 values; give at most 256"),
    ],
)
def test_settings_that_no_training_can_have_are_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    words = ["train", "demo", *SMALL, *flags, "--runs", str(tmp_path / "r")]
    assert main(words) in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "r").exists()


def test_the_home_folder_is_found(
    own: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    words = [word.replace(str(tmp_path), "~") for word in own]
    assert main([*words, "--training.steps", "2"]) == 0
    assert list((tmp_path / "r").rglob("model.safetensors"))


def test_resume_with_nothing_to_resume_says_so(
    own: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*own, "--training.steps", "2", "--resume"]) == 0
    assert "nothing to resume in" in capsys.readouterr().err
    assert main([*own, "--training.steps", "2", "--resume"]) == 0
    assert "nothing to resume" not in capsys.readouterr().err


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("distaff ")


def test_forty_sigterms_end_as_one(tmp_path: Path) -> None:
    words = ["train", "demo", *SMALL, "--training.steps", "1000000", "--runs", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "distaff", *words], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    process.stderr.readline()
    time.sleep(0.5)
    for _ in range(40):
        with_suppressed: Any = process.poll()
        if with_suppressed is not None:
            break
        os.kill(process.pid, signal.SIGTERM)
        time.sleep(0.005)
    assert process.wait(60) == 130
    assert list(tmp_path.rglob("resume.pt"))
    assert "goes on from there" in process.stderr.read()


@pytest.mark.filterwarnings("error::distaff.errors.RunWarning")
def test_a_warning_made_an_error_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "demo", *SMALL, "--training.steps", "20", "--runs", str(tmp_path)]) == 1
    assert "distaff: annealing_steps is 12,000" in capsys.readouterr().err
