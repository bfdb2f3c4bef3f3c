from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_in import give_parameters

from distaff.cli import main
from distaff.compare import compare, rank_correlations, udr_of_runs
from distaff.errors import UsageError
from distaff.evaluate import evaluate
from distaff.experiment import Experiment
from distaff.inference.encode import kl_of_latents, posterior_of
from distaff.metrics import udr
from distaff.runs import Run
from distaff.train import train


@pytest.fixture
def runs(small_experiment: Experiment, tmp_path: Path) -> Any:
    data = replace(small_experiment.data, positions_x=16, positions_y=16)  # type: ignore[call-arg]
    return train(replace(small_experiment, data=data, seeds=(0, 1, 2)), tmp_path)


def test_runs_are_measured_on_the_same_images_and_keep_their_scores(runs: list[Run]) -> None:
    evaluate(runs[0], ["mutual-information-gap"])
    ((name, score),) = udr_of_runs(runs, seed=4).items()
    assert name == f"small/{runs[0].experiment.config_hash}"
    test = runs[0].load_dataset().split("test")
    posteriors = [posterior_of(run.load_model(), test) for run in runs]  # type: ignore[arg-type]
    truth = udr(
        [posterior.mean.double().numpy() for posterior in posteriors],
        kl=[kl_of_latents(posterior) for posterior in posteriors],
        repeats=0,
    )
    assert score.value == pytest.approx(truth.value, abs=1e-4)
    kept = [run.scores["udr"] for run in runs]
    assert [own.value for own in kept] == [score.parts[f"model {i}"] for i in range(3)]
    assert list(runs[0].scores) == ["mutual-information-gap", "udr"]


def test_the_mean_over_seeds_is_the_score_of_the_experiment(runs: list[Run]) -> None:
    (score,) = udr_of_runs(runs).values()
    (row,) = [row for row in compare(runs) if row.quantity == "udr"]
    assert row.seeds == 3
    assert row.mean == pytest.approx(score.value)


def test_models_of_another_experiment_take_no_part(
    runs: list[Run], small_experiment: Experiment, tmp_path: Path
) -> None:
    lonely = train(small_experiment, tmp_path)
    assert list(udr_of_runs(runs + lonely)) == [f"small/{runs[0].experiment.config_hash}"]
    assert "udr" not in lonely[0].scores
    with pytest.raises(UsageError, match="two finished runs of one experiment"):
        udr_of_runs(lonely + runs[:1])


def test_the_same_model_twice_agrees(runs: list[Run]) -> None:
    give_parameters(runs[1], runs[0].load_model())
    (score,) = udr_of_runs(runs[:2]).values()
    alive = kl_of_latents(posterior_of(runs[0].load_model(), runs[0].load_dataset())) > 0.01  # type: ignore[arg-type]
    assert score.relation[0, 1] == pytest.approx(score.relation[1, 0])  # type: ignore[index]
    codes = posterior_of(runs[0].load_model(), runs[0].load_dataset().split("test")).mean.numpy()  # type: ignore[arg-type]
    itself = udr([codes[:, alive].astype(float)] * 2, repeats=0)
    assert score.value == pytest.approx(itself.value, abs=1e-6)
    assert np.isfinite(score.value)


def test_the_command_line_measures_it_with_the_runs_and_not_with_one(
    runs: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(tmp_path), "--udr"]) == 0
    assert "udr" in capsys.readouterr().out
    assert rank_correlations(runs) == []
    assert main(["evaluate", str(runs[0].folder), "--metrics", "udr"]) == 2
    said = capsys.readouterr().err
    assert "distaff compare FOLDER --udr measures it" in said
    assert said.count("\n") == 1
