from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stand_in import give_parameters

from distaff.arrays import Array
from distaff.data import Sprites, load
from distaff.errors import RunError
from distaff.evaluate import evaluate
from distaff.experiment import Experiment
from distaff.inference.encode import posterior_of
from distaff.models import AbstractVAE
from distaff.runs import OpenRun, Run
from distaff.runs.codes import (
    codes_from,
    is_complete,
    some_test_images,
)
from distaff.train import train

IMAGES = 3 * 2 * 16 * 16


@pytest.fixture
def gridded(small_experiment: Experiment) -> Any:
    data = replace(small_experiment.data, positions_x=16, positions_y=16)  # type: ignore[call-arg]
    return replace(small_experiment, data=data)


@pytest.fixture
def run(gridded: Any, tmp_path: Path) -> Any:
    (run,) = train(gridded, tmp_path)
    return run


def all_codes(run: Run) -> Array:
    return codes_from(OpenRun(run).all_posteriors(), "mean", seed=0)


def codes_of(run: Run, rows: torch.Tensor) -> Array:
    return codes_from(OpenRun(run).posteriors(rows), "mean", seed=0)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Counts the images that go through an encoder."""
    numbers = []
    encode = AbstractVAE.encode

    def counting(self: Any, images: Any, *others: Any, **named: Any) -> Any:
        numbers.append(len(images))
        return encode(self, images, *others, **named)

    monkeypatch.setattr(AbstractVAE, "encode", counting)
    return numbers


def kept_files(run: Run) -> list[str]:
    return sorted(path.name for path in run.folder.iterdir() if "codes" in path.name)


def test_a_grid_is_complete_and_a_draw_or_a_double_is_not() -> None:
    grid = load("sprites", size=8, orientations=2, positions_x=3, positions_y=3)
    assert is_complete(grid)
    doubled = grid.factors.clone()
    doubled[0] = doubled[1]
    assert not is_complete(replace(grid, factors=doubled))
    assert not is_complete(grid.split("test"))
    assert not is_complete(load("sprites", size=8, continuous=len(grid)))
    none: dict[str, Any] = {"factors": grid.factors[:, :0], "values": grid.values[:, :0]}
    assert not is_complete(replace(grid, factor_names=(), factor_sizes=(), **none))


def test_each_image_of_a_complete_set_is_encoded_once_for_all_scores(
    run: Run, encoded: Any
) -> None:
    told = []
    names = ["factor-vae-score", "mutual-information-gap", "beta-vae-score"]
    scores = evaluate(run, names, on_images=lambda *numbers: told.append(numbers))
    assert list(scores) == names
    assert sum(encoded) == IMAGES
    assert told[-1] == (IMAGES, IMAGES)
    assert f"{IMAGES} images" in scores["factor-vae-score"].estimator
    assert f"{IMAGES // 10} images" in scores["mutual-information-gap"].estimator
    again = evaluate(run, ["interventional-robustness", "sap", "factor-vae-score"], images=120)
    assert sum(encoded) == IMAGES
    assert again["factor-vae-score"].value == scores["factor-vae-score"].value
    assert "120 images" in again["sap"].estimator


def test_codes_that_are_looked_up_are_those_of_the_model(run: Run, encoded: Any) -> None:
    dataset = run.load_dataset()
    rows = some_test_images(dataset, 50, seed=3)
    before = codes_of(run, rows)
    assert sum(encoded) == 50
    whole = all_codes(run)
    assert whole.shape == (IMAGES, 3)
    assert whole.dtype == np.float32
    after = codes_of(run, rows)
    assert sum(encoded) == 50 + IMAGES
    assert after == pytest.approx(before, abs=1e-5)
    truth = posterior_of(run.load_model(), dataset).mean  # type: ignore[arg-type]
    assert torch.from_numpy(np.array(whole)) == pytest.approx(truth, abs=1e-5)


def test_scores_that_need_no_intervention_leave_the_rest_of_the_set_alone(
    run: Run, encoded: Any
) -> None:
    evaluate(run, ["mutual-information-gap", "sap"])
    assert sum(encoded) == IMAGES // 10
    assert kept_files(run) == []


def test_a_set_that_is_not_complete_is_encoded_once_an_image(
    gridded: Any, tmp_path: Path, encoded: Any
) -> None:
    data = Sprites.Config(size=16, continuous=2_000)
    (run,) = train(replace(gridded, data=data), tmp_path)
    encoded.clear()
    scores = evaluate(run, ["factor-vae-score", "mutual-information-gap"], images=150)
    assert sum(encoded) == 150
    assert all("150 images" in score.estimator for score in scores.values())
    assert kept_files(run) == []


def test_codes_of_other_parameters_are_not_used(
    run: Run, gridded: Any, tmp_path: Path, encoded: Any
) -> None:
    old, name = np.array(all_codes(run)), kept_files(run)
    (other,) = train(replace(gridded, seeds=(1,)), tmp_path)
    encoded.clear()
    give_parameters(run, other.load_model())
    new = np.array(all_codes(run))
    assert sum(encoded) == IMAGES
    assert np.abs(new - old).max() > 0.01
    assert new == pytest.approx(np.array(all_codes(other)))
    assert len(kept_files(run)) == 1
    assert kept_files(run) != name


def test_an_interrupted_encoding_leaves_nothing_behind_and_starts_again(
    run: Run, encoded: Any
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(run, ["factor-vae-score"], on_images=interrupt)
    assert kept_files(run) == []
    assert run.scores == {}
    encoded.clear()
    evaluate(run, ["factor-vae-score"])
    assert sum(encoded) == IMAGES


def test_scores_measured_before_are_kept(run: Run) -> None:
    first = evaluate(run, ["mutual-information-gap"])["mutual-information-gap"]
    both = Run(run.folder)
    evaluate(both, ["sap"])
    assert list(both.scores) == ["mutual-information-gap", "sap"]
    kept = both.scores["mutual-information-gap"]
    assert kept.interval == first.interval
    assert np.array_equal(kept.relation, first.relation)  # type: ignore[arg-type]


@pytest.mark.parametrize("spoil", [lambda whole: whole[:200], lambda _: b"", bytes.swapcase])
def test_kept_codes_that_are_damaged_are_refused(run: Run, spoil: Any) -> None:
    all_codes(run)
    (path,) = run.folder.glob("codes-*.npy")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(RunError, match="delete that file and evaluate the run again"):
        all_codes(run)


def test_codes_of_other_images_are_refused(run: Run) -> None:
    whole = all_codes(run)
    (path,) = run.folder.glob("codes-*.npy")
    np.save(path, whole[1:])
    with pytest.raises(RunError, match="of shape"):
        all_codes(run)


def test_r_squared_of_a_run_is_that_of_what_was_held_out(gridded: Any, tmp_path: Path) -> None:
    data = replace(gridded.data, split="composition")
    (run,) = train(replace(gridded, data=data), tmp_path)
    scores = evaluate(run, ["r-squared", "omes"])
    parts = run.load_dataset().splits
    assert f"{2 * len(parts['test'])} images" in scores["r-squared"].estimator
    assert len(parts["held_out"]) == IMAGES // 4
    # a score of complete sets has all images
    assert f"{IMAGES} images" in scores["omes"].estimator
