import csv
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.stats import t

from distaff.cli import main
from distaff.compare import Compared, compare, rank_correlations, table_of
from distaff.errors import RunError
from distaff.evaluate import save_scores, to_json
from distaff.experiment import Experiment
from distaff.files import write_json
from distaff.metrics.score import Origin, Score
from distaff.runs import Run
from distaff.runs.folders import scores_without_run
from distaff.train import train


@pytest.fixture
def runs(small_experiment: Experiment, tmp_path: Path) -> Any:
    return train(replace(small_experiment, seeds=(0, 1, 2)), tmp_path)


def test_rows_hold_mean_interval_median_and_range_over_seeds(runs: list[Run]) -> None:
    values = []
    for run in runs:
        last = [line for line in run.log if line["split"] == "validation"][-1]
        values.append(last["kl"])
    (row,) = [row for row in compare(runs) if row.quantity == "validation kl"]
    assert row.seeds == 3
    assert row.mean == pytest.approx(np.mean(values))
    assert (row.smallest, row.median, row.largest) == tuple(sorted(values))
    truth = t.interval(0.95, 2, np.mean(values), np.std(values, ddof=1) / np.sqrt(3))
    assert row.interval == pytest.approx(truth)


def test_a_single_seed_has_no_interval_and_other_settings_a_row_of_their_own(
    runs: list[Run], small_experiment: Experiment, tmp_path: Path
) -> None:
    changed = replace(small_experiment, model=replace(small_experiment.model, latents=2))  # type: ignore[call-arg]
    rows = compare(runs + train(changed, tmp_path))
    lonely = [row for row in rows if row.seeds == 1]
    assert len(lonely) * 2 == len(rows)
    assert all(row.interval is None for row in lonely)


def test_runs_that_are_not_finished_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="none of the 1 runs is finished"):
        compare([Run(tmp_path)])


def test_metrics_that_rank_alike_correlate_and_the_opposite_do_not(runs: list[Run]) -> None:
    for place, run in enumerate(runs):
        values = {"up": place, "also up": place**3, "down": -place}
        scores = {name: Score(value, (0, 1), 0, 1, "known") for name, value in values.items()}
        run.write("scores.json", {name: to_json(score) for name, score in scores.items()})
    found = {(pair.first, pair.second): pair.spearman for pair in rank_correlations(runs)}
    assert found["up", "also up"] == pytest.approx(1)
    assert found["up", "down"] == pytest.approx(-1)
    assert rank_correlations(runs[:2]) == []


def settings_of(lines: list[Compared]) -> list[dict[str, Any]]:
    return [line.settings for line in lines]


def test_the_table_has_the_settings_that_differ_and_foreign_codes(
    small_experiment: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    longer = replace(small_experiment, training=replace(small_experiment.training, steps=12))
    runs = train(small_experiment, tmp_path / "runs") + train(longer, tmp_path / "runs")
    first = Score(0.25, (0.2, 0.3), 0.0, 1.0, "none")
    for run, value in zip(runs, (0.25, 0.75), strict=True):
        save_scores(run, {"sap": first._replace(value=value)})
    write_json(tmp_path / "codes" / "scores.json", {"sap": to_json(first._replace(value=0.5))})
    lines = table_of(runs, scores_without_run(tmp_path))
    assert settings_of(lines)[:2] == [
        {"training.steps": small_experiment.training.steps},
        {"training.steps": 12},
    ]
    assert [line.scores["sap"].value for line in lines] == [0.25, 0.75, 0.5]
    assert lines[2].scores["sap"].interval == (0.2, 0.3)
    folders = [str(tmp_path / "runs"), str(tmp_path / "codes")]
    assert main(["compare", *folders, "--format", "csv", "--sort", "sap"]) == 0
    table = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["sap"] for row in table] == ["0.75", "0.5", "0.25"]
    assert [row["training.steps"] for row in table] == ["12", "", "20"]
    for form, piece in (("latex", r"\toprule"), ("markdown", "| experiment"), ("table", "┃")):
        assert main(["compare", *folders, "--format", form]) == 0
        assert piece in capsys.readouterr().out
    assert main(["compare", str(tmp_path / "runs"), "--figure", str(tmp_path / "x.png")]) == 0
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.width > 1000
    assert main(["compare", *folders, "--sort", "nothing"]) == 2


def test_what_was_measured_in_two_ways_is_not_averaged(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    runs = train(replace(small_experiment, seeds=(0, 1)), tmp_path)
    for run, images in zip(runs, (100, 200), strict=True):
        origin = Origin(codes="mean", images=images, seed=0)
        save_scores(run, {"sap": Score(0.5, None, 0.0, 1.0, "none", origin=origin)})
    rows = [row for row in compare(runs) if row.quantity == "sap"]
    assert [(row.settings, row.seeds) for row in rows] == [
        ("images 100, seed 0, codes mean", 1),
        ("images 200, seed 0, codes mean", 1),
    ]


def test_a_table_has_blanks_and_a_figure_needs_a_number(
    small_experiment: Experiment,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    other = replace(
        small_experiment, training=replace(small_experiment.training, schedule="cosine")
    )
    runs = train(small_experiment, tmp_path / "r") + train(other, tmp_path / "r")
    save_scores(runs[0], {"sap": Score(math.nan, None, 0.0, 1.0, "none")})
    save_scores(runs[1], {"dci": Score(0.5, (0.4, 0.6), 0.0, 1.0, "none")})
    folder = str(tmp_path / "r")
    assert main(["compare", folder, "--format", "csv", "--sort", "sap"]) == 0
    first, second = csv.DictReader(capsys.readouterr().out.splitlines())
    assert {first["sap"], second["sap"]} == {"nan", ""}
    assert {first["dci low"], second["dci low"]} == {"", "0.4"}
    assert main(["compare", folder, "--sort", "training.schedule", "--details"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("constant") < shown.index("cosine")
    assert "validation kl" in shown
    assert main(["compare", folder, "--figure", str(tmp_path / "x.png")]) == 2
    assert "a figure needs scores and a setting" in capsys.readouterr().err
