import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stand_in import give_parameters
from torch.distributions import Normal, kl_divergence

from distaff.cli import main
from distaff.compare import compare, rank_correlations, udr_of_runs
from distaff.errors import UsageError
from distaff.evaluate import evaluate, save_scores
from distaff.experiment import Experiment
from distaff.metrics import mutual_information_gap
from distaff.metrics.measuring import measure
from distaff.metrics.score import Origin, Score
from distaff.report import report
from distaff.runs import Run
from distaff.runs.codes import some_test_images
from distaff.train import train


@pytest.fixture
def gridded(small_experiment: Experiment) -> Any:
    data = replace(small_experiment.data, positions_x=16, positions_y=16)  # type: ignore[call-arg]
    return replace(small_experiment, data=data, figures=("samples",))


@pytest.fixture
def run(gridded: Any, tmp_path: Path) -> Any:
    (run,) = train(gridded, tmp_path)
    return run


@pytest.fixture
def idle(run: Any) -> Any:
    """A run of which the latent z1 is the prior whatever the image, and the others are not."""
    parameters = run.load_model()
    with torch.no_grad():
        last = parameters.encoder[-1]
        last.weight[[1, 4]] = 0
        last.bias[[1, 4]] = 0
        last.weight[[0, 2]] *= 50

    give_parameters(run, parameters)
    return run


def other_parameters(run: Any) -> None:
    """Puts the parameters of another training in the place of the run's."""

    model = run.load_model()
    with torch.no_grad():
        model.encoder[-1].weight *= 1.5
    give_parameters(run, model)


def test_a_latent_that_carries_nothing_is_left_out_and_named(idle: Any) -> None:
    score = evaluate(idle, images=150)["mutual-information-gap"]
    dataset, model = idle.load_dataset(), idle.load_model()
    rows = some_test_images(dataset, 150, seed=0)
    with torch.no_grad():
        mean, log_std = model.encode(dataset.images_at(rows))
    kl = kl_divergence(Normal(mean, log_std.exp()), Normal(0.0, 1.0)).mean(dim=0)
    assert score.origin.kl == pytest.approx(kl.tolist(), rel=1e-4, abs=1e-6)
    assert score.origin.left_out == (1,)
    assert min(kl[0], kl[2]) > 0.01 > kl[1]
    factors = dataset.factors_at(rows).numpy()
    codes = mean.double().numpy()
    codes[:, 1] = 0
    names = dataset.factor_names
    expected = mutual_information_gap(codes, factors, factor_names=names, seed=0)
    assert score.value == pytest.approx(expected.value, abs=1e-9)
    assert "left out: z1 (0.000 nats)" in str(score.origin)
    assert Run(idle.folder).scores["mutual-information-gap"].origin == score.origin


def test_noise_in_an_idle_latent_no_longer_counts() -> None:
    """A sample of an idle latent is noise, which the plain score takes for a code of its own."""
    generator = np.random.default_rng(0)
    factors = generator.integers(0, 4, (1000, 2))
    codes = np.column_stack([factors, factors[:, 0]]).astype(float)
    names = ["mutual-information-gap"]
    whole = measure(codes, factors, names, factor_names=None)
    without = measure(codes, factors, names, factor_names=None, active=[True, True, False])
    alone = measure(codes[:, :2], factors, names, factor_names=None)
    (whole,), (without,), (alone,) = (tuple(each.values()) for each in (whole, without, alone))  # type: ignore[assignment]
    assert without.value == pytest.approx(alone.value, abs=1e-6)  # type: ignore[attr-defined]
    assert without.value > whole.value + 0.3  # type: ignore[attr-defined]
    assert without.relation.shape == (3, 2)  # type: ignore[attr-defined]


@pytest.mark.parametrize("metrics", [["mutual-information-gap"], ["factor-vae-score"]])
def test_samples_of_the_posterior_are_measured_where_they_are_asked_for(
    idle: Any, metrics: Any
) -> None:
    mean, sample, again, other = (
        evaluate(idle, metrics, codes=codes, seed=seed)[metrics[0]]
        for codes, seed in (("mean", 0), ("sample", 0), ("sample", 0), ("sample", 1))
    )
    assert (mean.origin.codes, sample.origin.codes) == ("mean", "sample")
    assert sample.value == again.value
    assert len({mean.value, sample.value, other.value}) == 3
    assert "codes are samples of the posterior" in str(sample.origin)
    assert "samples" not in str(mean.origin)
    assert Run(idle.folder).scores[metrics[0]].origin.codes == "sample"
    with pytest.raises(UsageError, match="codes is 'mode'; choose of mean, sample"):
        evaluate(idle, metrics, codes="mode")
    with pytest.raises(UsageError, match="seed is 18446744073709551616; give a whole"):
        evaluate(idle, metrics, seed=2**64)


def test_scores_carry_the_stamp_of_their_parameters(run: Run) -> None:
    score = evaluate(run)["mutual-information-gap"]
    assert score.origin.parameters == run.stamp
    assert len(run.stamp) == 8  # type: ignore[arg-type]
    other_parameters(run)
    assert score.origin.parameters != run.stamp
    assert (run.scores, run.stale_scores) == ({}, ["mutual-information-gap"])
    again = evaluate(run)["mutual-information-gap"]
    assert again.origin.parameters == run.stamp
    assert run.stale_scores == []


def test_stale_scores_are_made_anew_by_default_and_left_as_they_are_otherwise(run: Run) -> None:
    evaluate(run, ["sap", "mutual-information-gap"])
    other_parameters(run)
    assert list(evaluate(run, ["mutual-information-gap"])) == ["mutual-information-gap"]
    assert run.stale_scores == ["sap"]
    assert set(evaluate(run)) == {"mutual-information-gap", "sap"}
    assert run.stale_scores == []


def test_scores_of_before_there_were_stamps_count(run: Run) -> None:
    evaluate(run)
    content = run.read("scores.json")
    del content["mutual-information-gap"]["origin"]
    run.write("scores.json", content)
    assert run.scores["mutual-information-gap"].origin == Origin()
    assert run.stale_scores == []
    assert str(Origin()) == ""


@pytest.mark.parametrize(
    "change",
    [
        *({"parameters": 3}, {"codes": []}, {"kl": [None]}, {"left_out": [0.5]}, {"more": 1}),
        *({"left_out": [9]}, {"left_out": [-1]}, {"left_out": None}),
    ],
    ids=str,
)
def test_an_origin_of_another_kind_is_damage(run: Run, change: Any) -> None:
    origin = Origin(codes="mean", kl=(0.5, 0.0), left_out=(1,))
    save_scores(run, {"dci": Score(0.5, None, 0.1, 1.0, "none", origin=origin)})
    content = run.read("scores.json")
    content["dci"]["origin"] |= change
    run.write("scores.json", content)
    with pytest.raises(Exception, match=r"scores.json is damaged"):
        _ = run.scores


def test_stale_scores_are_not_compared(gridded: Any, tmp_path: Path) -> None:
    runs = train(replace(gridded, seeds=(0, 1, 2)), tmp_path)
    for run in runs:
        evaluate(run, ["mutual-information-gap", "sap"])
    udr_of_runs(runs)
    other_parameters(runs[0])
    (row,) = [row for row in compare(runs) if row.quantity == "sap"]
    assert row.seeds == 2
    assert rank_correlations(runs) == []
    assert runs[0].stale_scores == ["mutual-information-gap", "sap", "udr"]


def test_the_verbs_name_what_is_stale_and_make_it_anew(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(run.folder)
    assert main(["report", folder]) == 0
    other_parameters(run)
    capsys.readouterr()
    assert main(["compare", folder, "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["stale"] == {folder: ["mutual-information-gap"]}
    assert "stale and left out, of other parameters: mutual-information-gap" in captured.err
    page = report(run).read_text("utf-8")
    assert "left out: mutual-information-gap, samples" in page
    assert "data:image/png" not in page
    assert f"stamp {run.stamp}" in page
    assert main(["report", folder]) == 0
    page = run.folder.joinpath("report.html").read_text("utf-8")
    assert "Stale" not in page
    assert page.count("data:image/png") == 2
    capsys.readouterr()
    assert main(["evaluate", folder, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)[folder]
    assert shown["mutual-information-gap"]["origin"]["parameters"] == run.stamp


def test_the_table_and_the_page_name_the_latents_that_are_left_out(
    idle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(idle.folder), "--posterior", "sample"]
    assert main(words) == 0
    said = "codes are samples of the posterior; left out: z1 (0.000 nats)"
    assert f"mutual-information-gap: {said}" in capsys.readouterr().out
    assert said in report(idle).read_text("utf-8")


@pytest.fixture
def tables(tmp_path: Path) -> Any:
    generator = np.random.default_rng(0)
    factors = generator.integers(0, 4, (400, 2))
    codes = np.column_stack([factors, factors[:, 0], generator.normal(size=400)])
    np.save(tmp_path / "codes.npy", codes)
    np.save(tmp_path / "factors.npy", factors)
    return ["--codes", str(tmp_path / "codes.npy"), "--factors", str(tmp_path / "factors.npy")]


@pytest.mark.parametrize("words", [["0,1,3"], ["0", "1", "3"], ["3,", "0,1"]])
def test_of_anybody_s_codes_the_latents_that_count_are_named(
    tables: Any, words: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out"), "--json"]
    assert main(["evaluate", *tables, *out]) == 0
    whole = json.loads(capsys.readouterr().out)["mutual-information-gap"]
    assert main(["evaluate", *tables, "--active", *words, *out]) == 0
    score = json.loads(capsys.readouterr().out)["mutual-information-gap"]
    assert score["origin"]["left_out"] == [2]
    assert score["value"] > whole["value"] + 0.3
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "left out: z2" in page
    assert f"--active {' '.join(words)}" in page


@pytest.mark.parametrize("words", [["4"], ["-1"], ["0,x"], ["1.5"]])
def test_latents_that_there_are_not_are_refused(
    tables: Any, words: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *tables, f"--active={words[0]}"]) == 2
    assert "give numbers from 0 to 3" in capsys.readouterr().err


def test_latents_of_a_run_are_not_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run.folder), "--active", "0"]) == 2
    assert "--active and --kinds are for --codes" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--posterior", "sample"], ["--data.path", "new"]])
def test_what_is_for_runs_is_not_taken_with_codes(
    tables: Any, words: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *tables, *words]) == 2
    assert "--data.path and --posterior are for runs" in capsys.readouterr().err
