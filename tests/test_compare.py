from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from distaff.compare import compare, rank_correlations
from distaff.errors import RunError
from distaff.evaluate import to_json
from distaff.experiment import Experiment
from distaff.metrics.score import Score
from distaff.runs import Run
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
