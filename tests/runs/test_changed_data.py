"""A run whose own pictures were added to, exchanged or moved since it was trained."""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distaff.cli import main
from distaff.compare import udr_of_runs
from distaff.data import ImageFolder
from distaff.errors import Interrupted, RunError, UsageError
from distaff.evaluate import evaluate
from distaff.experiment import Experiment
from distaff.illustrate import illustrate
from distaff.report import report
from distaff.runs import Run, find_runs
from distaff.train import train

CHANGED = "is not what the run at .* was trained on"


def draw(folder: Path, who: str, count: int = 90) -> None:
    generator = np.random.default_rng(len(who))
    (folder / who).mkdir(parents=True)
    for place in range(count):
        picture = generator.integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(picture).save(folder / who / f"{place:03}.png")


@pytest.fixture
def pictures(tmp_path: Path) -> Any:
    for who in ("bert", "cleo"):
        draw(tmp_path / "pictures", who)
    return tmp_path / "pictures"


@pytest.fixture
def experiment(small_experiment: Experiment, pictures: Any) -> Any:
    data = ImageFolder.Config(
        path=str(pictures), size=16, channels="grey", folder_factor="who", test_share=0.6
    )
    return replace(small_experiment, data=data, figures=("reconstructions",))


@pytest.fixture
def run(experiment: Any, tmp_path: Path) -> Any:
    (run,) = train(experiment, tmp_path / "runs")
    return run


def refused(words: Any, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([str(word) for word in words]) == 1
    said = capsys.readouterr().err
    *notes, line = said.strip().splitlines()
    assert all("pictures of" in note for note in notes)
    assert line.startswith("distaff: ")
    return said


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: draw(folder, "anna", 1),
        lambda folder: shutil.copy(folder / "cleo" / "001.png", folder / "bert" / "000.png"),
        lambda folder: (folder / "cleo" / "000.png").unlink(),
    ],
    ids=["added", "exchanged", "removed"],
)
def test_every_verb_refuses_data_that_changed(
    run: Run, pictures: Any, capsys: pytest.CaptureFixture[str], change: Any
) -> None:
    change(pictures)
    for ask in (run.load_dataset, lambda: evaluate(run), lambda: illustrate(run)):
        with pytest.raises(RunError, match=CHANGED):
            ask()
    for verb in ("evaluate", "illustrate", "report"):
        assert "same data lie now with --data.path" in refused([verb, run.folder], capsys)
    assert run.scores == {}
    assert not run.figures_folder.exists()


def test_a_run_of_before_there_were_digests_is_read_as_ever(run: Run, pictures: Any) -> None:
    content = run.read("experiment.json")
    assert len(content.pop("data_digest")) == 64
    run.write("experiment.json", content)
    draw(pictures, "anna", 3)
    assert len(Run(run.folder).load_dataset()) == 183


@pytest.mark.parametrize("digest", [3, ["a"], {}])
def test_a_digest_that_is_none_is_damage(run: Run, digest: Any) -> None:
    run.write("experiment.json", run.read("experiment.json") | {"data_digest": digest})
    with pytest.raises(RunError, match=r"experiment.json is damaged"):
        Run(run.folder).load_dataset()


def test_every_verb_takes_the_place_where_the_data_lie_now(
    run: Run, pictures: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = evaluate(run)["mutual-information-gap"].value
    new = pictures.rename(pictures.parent / "new")
    assert "no folder" in refused(["evaluate", run.folder], capsys)
    assert evaluate(Run(run.folder, new))["mutual-information-gap"].value == before
    for verb in ("evaluate", "illustrate", "report"):
        assert main([verb, str(run.folder), "--data.path", str(new)]) == 0
    capsys.readouterr()
    draw(new, "anna", 1)
    for verb in ("evaluate", "illustrate", "report"):
        said = refused([verb, run.folder, "--data.path", new], capsys)
        assert f"{new} is not what the run" in said


def test_runs_that_are_compared_take_it_too(
    experiment: Experiment, tmp_path: Path, pictures: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    train(replace(experiment, seeds=(0, 1)), tmp_path / "runs")
    new = pictures.rename(pictures.parent / "new")
    words = ["compare", str(tmp_path / "runs"), "--udr"]
    assert main(words) == 1
    assert main([*words, "--data.path", str(new)]) == 0
    draw(new, "anna", 1)
    with pytest.raises(RunError, match=CHANGED):
        udr_of_runs(find_runs(tmp_path / "runs", new))
    capsys.readouterr()


def test_a_set_that_is_drawn_has_no_place(small_experiment: Experiment, tmp_path: Path) -> None:
    (run,) = train(small_experiment, tmp_path)
    assert len(run.load_dataset())
    with pytest.raises(UsageError, match=r"not read from one; leave out --data.path"):
        Run(run.folder, tmp_path).load_dataset()


class Stopping:
    """Stops a training after some steps, as Ctrl-C does."""

    def start(self, run: Any, trainer: Any) -> None:
        pass

    def advance(self, trainer: Any, records: Any) -> None:  # noqa: ARG002

        if trainer.current_step == 8:
            os.kill(os.getpid(), signal.SIGINT)


def interrupted(experiment: Any, runs: Any) -> Run:
    with pytest.raises(Interrupted):
        train(experiment, runs, progress=Stopping())
    (run,) = find_runs(runs)
    assert run.interrupted
    return run


def test_a_training_goes_on_with_the_same_data_alone(
    experiment: Experiment, tmp_path: Path, pictures: Any, run: Run
) -> None:
    again = interrupted(experiment, tmp_path / "again")
    kept = (again.folder / "experiment.json").read_bytes()
    draw(pictures, "anna", 3)
    with pytest.raises(RunError, match=CHANGED):
        train(experiment, tmp_path / "again", resume=True)
    assert (again.folder / "experiment.json").read_bytes() == kept
    shutil.rmtree(pictures / "anna")
    train(experiment, tmp_path / "again", resume=True)
    assert again.model_file.read_bytes() == run.model_file.read_bytes()


def test_a_training_whose_data_moved_goes_on(
    experiment: Experiment,
    tmp_path: Path,
    pictures: Any,
    run: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = tmp_path / "again"
    again = interrupted(experiment, runs)
    new = pictures.rename(pictures.parent / "new")
    words = ["train", again.folder / "experiment.json", "--runs", runs, "--resume"]
    assert "no folder" in refused(words, capsys)
    draw(new, "anna", 3)
    assert "is not what the run" in refused([*words, "--data.path", new], capsys)
    shutil.rmtree(new / "anna")
    assert main([str(word) for word in [*words, "--data.path", new, "--json"]]) == 0
    assert json.loads(capsys.readouterr().out) == [str(again.folder)]
    assert again.model_file.read_bytes() == run.model_file.read_bytes()
    assert again.experiment == experiment
    assert report(Run(again.folder, new)).is_file()


def test_an_interrupted_run_of_before_there_were_digests_goes_on(
    experiment: Experiment, tmp_path: Path, pictures: Any
) -> None:
    again = interrupted(experiment, tmp_path / "again")
    content = again.read("experiment.json")
    del content["data_digest"]
    again.write("experiment.json", content)
    train(experiment, tmp_path / "again", resume=True)
    draw(pictures, "anna", 3)
    assert len(Run(again.folder).load_dataset()) == 183
