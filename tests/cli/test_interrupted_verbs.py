"""How verbs end that are interrupted, and what a terminal sees of a training."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from distaff import cli
from distaff.cli import main
from distaff.cli.progress import DownloadProgress, ImageProgress, TrainingProgress
from distaff.cli.terminal import STDERR, say
from distaff.experiment import Experiment
from distaff.runs import run_folder
from distaff.train import train


def interrupted() -> None:
    raise KeyboardInterrupt


def interrupted_in_a_library() -> None:
    try:
        raise KeyboardInterrupt
    finally:
        raise AttributeError


def terminated() -> None:
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("verb", [interrupted, interrupted_in_a_library, terminated])
def test_an_interrupt_ends_in_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: Any
) -> None:
    monkeypatch.setattr(cli, "_dispatch", lambda _: verb())
    before = signal.getsignal(signal.SIGTERM)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "distaff: stopped.\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_fault_of_our_own_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "_dispatch", fail)
    with pytest.raises(ZeroDivisionError):
        main(["list"])


def test_nobody_needs_to_read_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, _: str) -> int:
            raise BrokenPipeError

        flush = write

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr("sys.stderr", Closed())
    monkeypatch.setattr(cli, "_dispatch", lambda _: say("who hears this?"))
    assert main(["list"]) == 0


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", text)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_training_is_shown_with_rate_terms_and_notes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    small_experiment: Experiment,
    tmp_path: Path,
    terminal: bool,
) -> None:
    monkeypatch.setattr(STDERR, "_force_terminal", terminal)
    monkeypatch.setattr(STDERR, "_width", 100)
    monkeypatch.setattr("distaff.cli.progress.LINE_SECONDS", 0.0)
    monkeypatch.setattr("distaff.cli.progress.REFRESH_SECONDS", -1.0)
    folder = run_folder(tmp_path, small_experiment, 0)
    with TrainingProgress({folder: "nothing to resume."}) as progress:
        train(small_experiment, tmp_path, progress=progress)
    said = plain(capsys.readouterr().err)
    assert "distaff: nothing to resume." in said
    assert f"{folder} on cpu, beta 4" in said
    assert "validation: reconstruction" in said
    assert "steps/s" in said
    assert ("100%" in said) is terminal
    assert ("step 10 of 20" in said) is not terminal


def test_downloads_and_encodings_are_shown_off_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("distaff.cli.progress.LINE_SECONDS", 0.0)
    with DownloadProgress() as downloads:
        downloads.advance("mnist/x.gz", 10, None)
        downloads.advance("mnist/x.gz", 20, 20)
    with ImageProgress("encoded") as images:
        images.start("measuring")
        images.advance(5, 10)
    said = capsys.readouterr().err
    assert "10 bytes of mnist/x.gz" in said
    assert "20 of 20 bytes of mnist/x.gz" in said
    assert "5 of 10 images encoded" in said


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream_is_no_error(closed: str) -> None:
    command = f"{sys.executable} -m distaff list models {closed}"
    assert subprocess.run(["bash", "-c", command], capture_output=True, check=False).returncode == 0
