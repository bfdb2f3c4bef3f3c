import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distaff import figures
from distaff.errors import RunError
from distaff.experiment import Experiment
from distaff.pages.typst import typeset
from distaff.runs import find_runs, study_runs
from distaff.studies import Study, plan, run_study
from distaff.train import train

SOURCE = """#import "style.typ": *
#show: report.with("A small study", [It has a loss.])
Its loss is #fixed(results.loss.last, digits: 3).
$ x_d $
#trainings-table()
#deliverable("picture")
#reproduce("small")
"""


@pytest.fixture
def small_study(small_experiment: Experiment, tmp_path: Path) -> Any:
    source = tmp_path / "small.typ"
    source.write_text(SOURCE)
    calls = []

    class Small(Study):
        """A study in a second."""

        name = "small"
        title = "A small study"
        estimates = {"smoke": {"beta-vae": 2.0, "loss": 1.0}}  # noqa: RUF012

        @property
        def experiments(self) -> Any:
            return {"beta-vae": replace(small_experiment, seeds=(0, 1))}

        @property
        def tasks(self) -> Any:
            return {"loss": self.loss, "picture": self.picture}

        def loss(self, bench: Any) -> Any:
            calls.append("loss")
            return {"last": bench.run("beta-vae").log[-1]["objective"]}

        def picture(self, bench: Any) -> Any:
            calls.append("picture")
            assert [run.seed for run in bench.runs("beta-vae")] == [0, 1]
            images = np.zeros((2, 3, 1, 8, 8))
            bench.draw("picture", figures.image_grid(images), "Six black squares.")
            return {}

    Small.source = source  # type: ignore[assignment, method-assign]
    study = Small("smoke")
    study.calls = calls  # type: ignore[attr-defined]
    return study


def test_a_study_leaves_its_report_deliverables_and_numbers(
    small_study: Any, tmp_path: Path
) -> None:
    folder = run_study(small_study, tmp_path / "runs")
    assert folder == tmp_path / "runs/studies/small/smoke"
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    results = json.loads((folder / "results.json").read_text())
    page = (folder / "report.html").read_text()
    assert f"{results['loss']['last']:.3f}" in page
    assert "Six black squares." in page
    assert "<math" in page
    assert "picture.pdf" in (folder / "index.html").read_text()
    assert Image.open(folder / "picture.png").width > 100
    assert results["trainings"]["beta-vae"]["seeds"] == [0, 1]


def test_what_is_finished_is_not_done_again(small_study: Any, tmp_path: Path) -> None:
    folder = run_study(small_study, tmp_path)
    report = (folder / "report.pdf").read_bytes()
    run_study(small_study, tmp_path)
    assert small_study.calls == ["loss", "picture"]
    assert (folder / "report.pdf").read_bytes() == report
    (folder / "results/picture.json").unlink()
    run_study(small_study, tmp_path)
    assert small_study.calls == ["loss", "picture", "picture"]


def test_runs_of_a_study_lie_apart_from_the_person_s_own(
    small_study: Any, small_experiment: Experiment, tmp_path: Path
) -> None:
    (own,) = train(small_experiment, tmp_path)
    run_study(small_study, tmp_path)
    assert [run.folder for run in find_runs(tmp_path)] == [own.folder]
    of_the_study = find_runs(tmp_path / "studies")
    assert [run.seed for run in of_the_study] == [0, 1]
    assert find_runs(tmp_path / "studies/small") == of_the_study
    assert find_runs(study_runs(tmp_path, "small")) == of_the_study


def test_another_training_makes_the_results_stale(small_study: Any, tmp_path: Path) -> None:
    folder = run_study(small_study, tmp_path)
    next(tmp_path.rglob("seed-1/model.safetensors")).unlink()
    other = next(tmp_path.rglob("seed-0/model.safetensors"))
    other.with_name("spare").write_bytes(other.read_bytes())
    run_study(small_study, tmp_path)
    assert small_study.calls == ["loss", "picture"]  # the same seed gives the same parameters
    assert folder.is_dir()
    with other.open("ab") as file:
        file.write(b" ")
    run_study(small_study, tmp_path)
    assert small_study.calls == ["loss", "picture"] * 2


def test_a_plan_says_what_is_left_and_does_nothing(small_study: Any, tmp_path: Path) -> None:
    before = plan(small_study, tmp_path)
    assert [(s.name, s.finished, s.seconds) for s in before] == [
        ("beta-vae", False, 2.0),
        ("loss", False, 1.0),
        ("picture", False, 0.0),
    ]
    assert not list(tmp_path.rglob("model.safetensors"))
    run_study(small_study, tmp_path)
    assert all(step.finished for step in plan(small_study, tmp_path))


def test_a_task_that_fails_leaves_the_ones_before_it(
    small_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(small_study, "picture", broken)
    with pytest.raises(KeyboardInterrupt):
        run_study(small_study, tmp_path)
    monkeypatch.undo()
    run_study(small_study, tmp_path)
    assert small_study.calls == ["loss", "picture"]


def test_a_mistake_in_the_source_is_said_in_a_sentence(tmp_path: Path) -> None:
    source = tmp_path / "report.typ"
    source.write_text("#nothing-of-this-name")
    with pytest.raises(RunError, match=r"report\.typ cannot be typeset"):
        typeset(source)
