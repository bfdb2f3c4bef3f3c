from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from stand_in import give_parameters

from distaff.errors import RunError
from distaff.experiment import Experiment
from distaff.illustrate import illustrate
from distaff.runs import Run
from distaff.runs.figures import figures_of
from distaff.train import train


@pytest.fixture
def run(small_experiment: Experiment, tmp_path: Path) -> Any:
    return train(small_experiment, tmp_path)[0]


def change_parameters(run: Any) -> None:
    model = run.load_model()
    with torch.no_grad():
        model.decoder[0].bias += 1
    give_parameters(run, model)


def test_figures_carry_the_stamp_of_their_parameters(run: Run) -> None:
    paths = illustrate(run, ["samples", "reconstructions"])
    assert figures_of(run) == {"reconstructions": paths[1], "samples": paths[0]}
    with Image.open(paths[0]) as picture:
        assert picture.info["Parameters"] == run.stamp
    assert run.stamp.encode() in paths[0].with_suffix(".pdf").read_bytes()  # type: ignore[operator, union-attr]
    change_parameters(run)
    assert figures_of(run) == {}
    assert list(figures_of(run, stale=True)) == ["reconstructions", "samples"]
    illustrate(run, ["samples"])
    assert list(figures_of(run)) == ["samples"]
    assert list(figures_of(run, stale=True)) == ["reconstructions"]


def test_the_same_run_gives_the_same_bytes(run: Run) -> None:
    def content() -> Any:
        (path,) = illustrate(run, ["samples"])
        return path.read_bytes(), path.with_suffix(".pdf").read_bytes()

    assert content() == content()


def test_figures_without_a_stamp_count(run: Run) -> None:
    run.figures_folder.mkdir()
    Image.new("L", (8, 8)).save(run.figures_folder / "mine.png")
    assert list(figures_of(run)) == ["mine"]
    assert figures_of(run, stale=True) == {}


def test_a_figure_that_is_none_is_named(run: Run) -> None:
    run.figures_folder.mkdir()
    (run.figures_folder / "mine.png").write_bytes(b"no picture")
    with pytest.raises(RunError, match=r"mine.png is damaged .*illustrate the run again"):
        figures_of(run)
