"""Options of scores, from Python, from a recipe and from the command line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distaff.cli import main
from distaff.data import load
from distaff.errors import UsageError
from distaff.evaluate import evaluate
from distaff.experiment import Experiment, experiment_from_json, to_json
from distaff.inference.encode import posterior_of
from distaff.metrics import partition_score, sap
from distaff.metrics.measuring import measure
from distaff.metrics.options import from_words, to_words, with_options
from distaff.runs import Run
from distaff.runs.codes import some_test_images
from distaff.train import train


@pytest.fixture
def tables() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    generator = np.random.default_rng(0)
    factors = generator.integers(0, 4, (400, 2))
    return factors + 0.3 * generator.normal(size=(400, 2)), factors


def test_words_and_options_are_two_ways_to_write_the_same() -> None:
    words = ["dci.backend=lightgbm", "sap", "dci.repeats=0", "partition-score.partitions=[[0,1]]"]
    metrics = from_words(words)
    assert metrics == (
        ("dci", {"backend": "lightgbm", "repeats": 0}),
        "sap",
        ("partition-score", {"partitions": ((0, 1),)}),
    )
    assert from_words(to_words(metrics)) == metrics


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("dci.backing=lightgbm", "dci has no option 'backing'; it has .*backend"),
        ("dci.repeats=many", "dci.repeats is 'many'"),
        ("dci.backend", "neither the name of a metric nor an option"),
        ("dci=3", "neither the name of a metric nor an option"),
        ("dc.backend=x", "unknown metric 'dc': did you mean 'dci'"),
        ("dci.seed=3", "dci has no option 'seed'"),
    ],
)
def test_what_is_no_option_is_refused_in_a_sentence(word: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        from_words([word])


def test_an_option_reaches_the_score_and_stands_beside_it(
    tables: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> None:
    codes, factors = tables
    asked = [("partition-score", {"partitions": ((0, 1), (1, 2)), "standardize": True}), "sap"]
    scores = measure(codes, factors, asked, factor_names=None)  # type: ignore[arg-type]
    expected = partition_score(codes, factors, partitions=((0, 1), (1, 2)), standardize=True)
    assert scores["partition-score"].value == expected.value
    assert scores["partition-score"].options == asked[0][1]
    assert scores["sap"].options == {}


def test_an_experiment_with_options_survives_json_and_keeps_its_hash(
    small_experiment: Experiment,
) -> None:
    optional = replace(small_experiment, metrics=("sap", ("dci", {"backend": "extra-trees"})))
    content = json.loads(json.dumps(to_json(optional)))
    assert experiment_from_json(content) == optional
    assert optional.config_hash == small_experiment.config_hash
    with pytest.raises(UsageError, match="dci has no option 'backing'"):
        replace(small_experiment, metrics=(("dci", {"backing": 1}),))


def test_the_recipe_and_the_command_line_give_options_to_a_run(
    small_experiment: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = replace(small_experiment.data, positions_x=16, positions_y=16)  # type: ignore[call-arg]
    metrics = (("sap", {"repeats": 0}),)
    (run,) = train(replace(small_experiment, data=grid, metrics=metrics), tmp_path)
    assert evaluate(run)["sap"].interval is None
    assert main(["evaluate", str(run.folder), "--metric", "sap.repeats=5"]) == 0
    assert "repeats=5" in capsys.readouterr().out
    kept = Run(run.folder).scores["sap"]
    assert kept.options == {"repeats": 5}
    assert kept.interval is not None


def test_the_data_set_says_of_which_kind_its_factors_are(
    small_experiment: Experiment, tmp_path: Path
) -> None:
    grid = replace(small_experiment.data, positions_x=16, positions_y=16)  # type: ignore[call-arg]
    (run,) = train(replace(small_experiment, data=grid), tmp_path)
    score = evaluate(run, ["sap"])["sap"]
    dataset = run.load_dataset()
    assert dataset.factor_kinds[-2:] == ("ordinal", "ordinal")
    rows = some_test_images(dataset, len(dataset), 0)
    codes = posterior_of(run.load_generative(), dataset.subset(rows)).mean.numpy()
    factors = dataset.factors_at(rows).numpy()
    active = [latent not in score.origin.left_out for latent in range(3)]
    told = sap(codes, factors, factor_kinds=dataset.factor_kinds, active=active)
    assert score.value == told.value
    # SAP reads ordered factors by their squared correlation, others by a classifier
    assert sap(codes, factors).value != sap(codes, factors, factor_kinds=dataset.factor_kinds).value


def test_with_options_merges_what_is_said_of_one_score_twice() -> None:
    assert with_options(["dci", ("dci", {"repeats": 3})]) == {"dci": {"repeats": 3}}


def test_built_in_sets_name_a_kind_for_each_factor() -> None:
    for name in ("sprites", "circles"):
        data = load(name)
        assert len(data.factor_kinds) == len(data.factor_names)
