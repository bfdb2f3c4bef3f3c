import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from distaff.errors import RunError
from distaff.evaluate import save_scores
from distaff.experiment import Experiment
from distaff.metrics.score import Score
from distaff.runs import Run
from distaff.runs.manifest import read_experiment
from distaff.train import train


@pytest.fixture
def run(small_experiment: Experiment, tmp_path: Path) -> Any:
    return train(small_experiment, tmp_path)[0]


def test_what_a_run_is_stands_in_one_file(run: Run, small_experiment: Experiment) -> None:
    content = run.read("experiment.json")
    assert (content["format"], content["distaff"]) == (1, run.environment["distaff"])
    again = Run(run.folder)
    assert (again.experiment, again.seed) == (small_experiment, 0)
    assert again.manifest.spec.image_shape == (1, 16, 16)
    assert "posX" in again.manifest.spec.factor_names


def test_a_run_from_before_there_were_formats_and_checksums_is_read(
    run: Run, generator: torch.Generator
) -> None:
    images = torch.rand(2, 1, 16, 16, generator=generator)
    expected = run.load_model().reconstruct(images)  # type: ignore[operator]
    content = {
        k: v for k, v in run.read("experiment.json").items() if k not in ("format", "distaff")
    }
    content["experiment"]["training"].pop("on_nan")
    run.write("experiment.json", content)
    parameters = safetensors.torch.load_file(run.model_file)
    safetensors.torch.save_file(parameters, run.model_file)
    environment = run.read("environment.json")
    run.write("environment.json", {k: v for k, v in environment.items() if k != "model"})
    assert torch.equal(Run(run.folder).load_model().reconstruct(images), expected)  # type: ignore[operator]


def test_a_run_of_a_newer_version_is_refused(run: Run) -> None:
    content = run.read("experiment.json") | {"format": 2, "distaff": "9.1", "warp": 9}
    run.write("experiment.json", content)
    for read in (lambda: Run(run.folder).experiment, Run(run.folder).load_model):
        with pytest.raises(RunError, match=r"made by distaff 9\.1, in format 2; .*upgrade"):
            read()
    with pytest.raises(RunError, match="upgrade"):
        read_experiment(run.folder / "experiment.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("seed", value) for value in (None, "0", -1, 2**63, 0.5)),
        *(("spec", value) for value in (None, [], [[1, 16, 16]], [[1, 16], [3], 5])),
        *(
            ("spec", value)
            for value in ([[1, 16, -16], [3], 5], [[1, 16, 16], [3, "3"], 5], [3, 4, 5])
        ),
        *(("spec", [[1, 16, 16], [3], 5, names, 1]) for names in (["a"], "a")),
        *(("format", value) for value in ("1", None, 0, -1)),
    ],
)
def test_an_experiment_file_with_other_values_is_damaged(run: Run, key: Any, value: Any) -> None:
    run.write("experiment.json", run.read("experiment.json") | {key: value})
    with pytest.raises(
        RunError, match=r"experiment.json is damaged \(.*delete that file and train"
    ):
        _ = Run(run.folder).manifest


@pytest.mark.parametrize("shape", [[1, 10**9, 10**9], [10**15, 16, 16], [1, 8, 8], [3, 16, 16]])
def test_a_model_of_absurd_size_is_refused_before_it_takes_memory(run: Run, shape: Any) -> None:
    content = run.read("experiment.json")
    content["spec"][0] = shape
    run.write("experiment.json", content)
    with pytest.raises(RunError, match=r"damaged|does not hold the parameters of this run's model"):
        Run(run.folder).load_model()


def flipped(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def test_a_model_file_that_was_changed_is_refused(run: Run) -> None:
    content = run.model_file.read_bytes()
    for place in (5, 12, 100, 400, len(content) // 2, len(content) - 1):
        run.model_file.write_bytes(flipped(content, place))
        with pytest.raises(RunError, match=r"does not hold the parameters .*delete that file"):
            run.load_model()


def test_a_header_that_claims_too_many_values_is_refused(run: Run) -> None:
    header = {"w": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}
    for text in (json.dumps(header), "{" * 10**6):
        content = text.encode()
        run.model_file.write_bytes(struct.pack("<Q", len(content)) + content + bytes(64))
        with pytest.raises(RunError, match="does not hold the parameters"):
            run.load_model()
    run.model_file.write_bytes(struct.pack("<Q", 2**63) + bytes(64))
    with pytest.raises(RunError, match="does not hold the parameters"):
        run.load_model()


def test_the_model_of_another_run_is_named_by_where_it_differs(run: Run) -> None:
    parameters = safetensors.torch.load_file(run.model_file)
    name = next(iter(parameters))
    for changed in (
        {n: v for n, v in parameters.items() if n != name},
        parameters | {name: torch.zeros(7)},
        parameters | {"extra": torch.zeros(7)},
    ):
        safetensors.torch.save_file(changed, run.model_file)
        with pytest.raises(RunError, match=rf"\(({name}|extra) is .* and should be"):
            run.load_model()
    safetensors.torch.save_file(parameters | {name: parameters[name].half()}, run.model_file)
    with pytest.raises(RunError, match=r"\(of another type\)"):
        run.load_model()


@pytest.mark.parametrize(
    "text",
    [
        *("[3]", "{", '{"step": 3, "kl": 1.0}', '{"split": "train"}', "null", "[" * 10**5),
        *('{"split": "train", "step": null}', '{"split": 3, "step": 1}'),
    ],
    ids=lambda text: text[:12],
)
def test_a_line_of_the_log_that_is_none_is_named(run: Run, text: Any) -> None:
    lines = run.log_file.read_text().splitlines()
    run.log_file.write_text("\n".join([*lines[:2], text, *lines[2:], ""]))
    with pytest.raises(RunError, match=r"train.jsonl is damaged \(line 3"):
        _ = run.log


def test_a_log_without_a_look_has_no_terms(run: Run) -> None:
    assert run.terms == ["reconstruction", "kl"]
    assert set(run.last_validation) == {"reconstruction", "kl", "objective"}
    run.log_file.write_text('{"split": "train", "step": 5, "kl": 1.0}\n')
    with pytest.raises(RunError, match="it holds no validation"):
        _ = run.terms
    run.log_file.unlink()
    with pytest.raises(RunError, match=r"no train.jsonl in"):
        _ = run.log


@pytest.mark.parametrize(
    "change",
    [
        *({"value": value} for value in ("0.5", [1])),
        *({"interval": value} for value in ([0.1], {}, ["a", "b"])),  # type: ignore[var-annotated]
        *({"relation": value} for value in ([[1.0], [1.0, 2.0]], [1.0], "x", [])),
        *({"parts": {"posX": "1"}}, {"extra": 1}),
    ],
    ids=str,
)
def test_scores_of_another_kind_are_damaged(run: Run, change: Any) -> None:
    save_scores(run, {"dci": Score(0.5, (0.4, 0.6), 0.1, 1.0, "none", {"posX": 0.5}, np.eye(3))})
    content = run.read("scores.json")
    content["dci"] |= change
    run.write("scores.json", content)
    with pytest.raises(
        RunError, match=r"scores.json is damaged \(.*file and evaluate the run again"
    ):
        _ = run.scores


def test_a_score_that_is_no_number_comes_back_as_such(run: Run) -> None:
    score = Score(math.nan, (math.nan, 0.6), 0.1, math.inf, "none", {"posX": math.nan}, np.eye(3))
    save_scores(run, {"dci": score})
    text = (run.folder / "scores.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    back = run.scores["dci"]
    assert math.isnan(back.value)
    assert math.isnan(back.parts["posX"])
