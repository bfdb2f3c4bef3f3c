"""The grader of task 2.i of the assignment CS 699."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from distaff.cli import main
from distaff.data import load
from distaff.data.bayes_accuracies import bayes_accuracies
from distaff.errors import UsageError
from distaff.grade import from_file, grade
from distaff.runs.codes import some_test_images

SIZES = (3, 6, 40, 32, 32)
FACTORS = ["shape", "scale", "orientation", "posX", "posY"]
PARTS = [(0, 3), (3, 9), (9, 49), (49, 81), (81, 113)]


@pytest.fixture(scope="module")
def dsprites() -> Any:
    return load("dsprites")


class Knowing:
    """Looks the factors of a picture up, among those that it will be asked for."""

    def __init__(self, dataset: Any, noise: float = 0.0) -> None:
        rows = dataset.splits["test"]
        images = torch.cat([dataset.images_at(part) for part in rows.split(4096)])
        self.factors = {
            image.numpy().tobytes(): factors.numpy()
            for image, factors in zip(images[:, 0], dataset.factors_at(rows)[:, 1:], strict=True)
        }
        self.noise = noise
        self.loaded = 0

    def load(self) -> None:
        self.loaded += 1

    def sample_z_given_x(self, x: Any) -> Any:
        assert x.shape[1:] == (64, 64)
        assert x.dtype == np.float32
        assert set(np.unique(x)) <= {0, 1}
        known = [self.factors[image.tobytes()] for image in x]
        codes = np.stack(
            [np.concatenate([np.eye(s)[f] for s, f in zip(SIZES, k, strict=True)]) for k in known]
        )
        return codes + self.noise * np.random.normal(size=codes.shape)

    def get_partition_indices(self) -> Any:
        return PARTS


class Guessing(Knowing):
    def __init__(self) -> None:
        pass

    def load(self) -> None:
        pass

    def sample_z_given_x(self, x: Any) -> Any:
        return torch.randn(len(x), 113, 1)


def test_a_model_that_knows_has_full_marks_but_for_pictures_of_several_labels(
    dsprites: Any,
) -> None:
    model = Knowing(dsprites)
    score = grade(model, dsprites, images=4096)
    assert model.loaded == 1
    assert [*score.parts] == [*FACTORS, "dead latents"]
    assert score.value > 49.7
    assert all(score.parts[name] == 1 for name in FACTORS if name != "orientation")
    # among the test images few share a picture
    assert score.parts["orientation"] > 0.99
    assert score.value == pytest.approx(50 * np.mean([score.parts[name] for name in FACTORS]))


def test_a_model_that_guesses_scores_chance(dsprites: Any) -> None:
    score = grade(Guessing(), dsprites, images=4096)
    assert score.value == pytest.approx(50 * np.mean([1 / size for size in SIZES]), abs=0.6)


def test_it_is_the_assignment_s_own_computation(dsprites: Any) -> None:
    model = Knowing(dsprites, noise=0.5)
    score = grade(model, dsprites, images=1000, seed=3)
    rows = some_test_images(dsprites, 1000, seed=3)
    x, y = dsprites.images_at(rows)[:, 0].numpy(), dsprites.factors_at(rows)[:, 1:].numpy()
    np.random.seed(3)
    z = np.concatenate([model.sample_z_given_x(x[i : i + 256]) for i in range(0, 1000, 256)])
    accuracies = []
    for i, (start, stop) in enumerate(model.get_partition_indices()):
        classifier = LogisticRegression().fit(z[500:, start:stop], y[500:, i])
        accuracies.append((classifier.predict(z[:500, start:stop]) == y[:500, i]).mean())
    assert score.value == pytest.approx(50 * np.mean(accuracies))
    assert [score.parts[name] for name in FACTORS] == pytest.approx(accuracies)
    assert 10 < score.value < 49


GOOD = """
import numpy as np
class SSLatentVAE:
    def load(self): pass
    def sample_z_given_x(self, x): return np.random.normal(size=(len(x), 10))
    def get_partition_indices(self): return [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("class SSLatentVAE", "class Other", "has no class SSLatentVAE"),
        ("def load", "def lead", "has no method load"),
        (
            "def load(self): pass",
            "def load(self): raise SystemExit(0)",
            "load() fails with SystemExit",
        ),
        ("import numpy as np", "import numpi", "fails with ModuleNotFoundError"),
        ("class SSLatentVAE:", "class SSLatentVAE(:", "fails with SyntaxError"),
        ("load(self): pass", "load(self): open('weights')", "load() fails with FileNotFoundError"),
        ("(2, 4)", "(1, 4)", "(0, 2) and (1, 4) overlap"),
        ("(2, 4)", "(4, 2)", "the part (4, 2) holds no latent"),
        (", (8, 10)]", "]", "4 parts for the 5 factors shape, scale"),
        ("(8, 10)", "(8, 11)", "sample_z_given_x gives 10 latents"),
        ("(8, 10)]", "9]", "give 5 pairs"),
        ("np.random.normal(size=(len(x), 10))", "x * np.nan", "NaN or infinite"),
        ("size=(len(x), 10)", "size=(10, len(x))", "gives (10, 256) for 256 images"),
        ("size=(len(x), 10)", "size=len(x)", "gives (256,) for 256 images"),
        ("np.random.normal(size=(len(x), 10))", "'words'", "no array of numbers"),
        ("np.random.normal(size=(len(x), 10))", "x.shape[9]", "fails with IndexError"),
        ("size=(len(x), 10)", "size=(len(x), 10 + len(x) % 256)", "in different batches"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    file = tmp_path / "starter.py"
    file.write_text(GOOD.replace(old, new))
    assert main(["grade", str(file), "--images", "500"]) == 2
    *_, sentence = capsys.readouterr().err.strip().split("\n")
    assert sentence.startswith("distaff: ")
    assert said in sentence


def test_a_file_is_graded_by_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "beside.py").write_text("COUNT = 10\n")
    file = tmp_path / "starter.py"
    file.write_text("from beside import COUNT\n" + GOOD.replace("(len(x), 10)", "(len(x), COUNT)"))
    for _ in range(2):  # the same sample the second time
        assert main(["grade", str(file), "--images", "800", "--json"]) == 0
    first, second = capsys.readouterr().out.strip().split("\n}\n{\n")
    score = json.loads(first + "\n}")
    assert score == json.loads("{\n" + second)
    assert [*score["parts"]][:5] == FACTORS
    assert 2 < score["value"] < 12
    assert main(["grade", str(file), "--images", "800"]) == 0
    assert "orientation" in capsys.readouterr().out


def test_a_file_may_have_the_name_of_a_module(tmp_path: Path) -> None:
    file = tmp_path / "torch.py"
    file.write_text(GOOD)
    assert type(from_file(file)).__name__ == "SSLatentVAE"
    assert sys.modules["torch"] is torch


def test_a_missing_file_and_too_few_images_are_said(tmp_path: Path, dsprites: Any) -> None:
    with pytest.raises(UsageError, match="no file"):
        from_file(tmp_path / "nothing.py")
    (tmp_path / "words.txt").write_text("words")
    with pytest.raises(UsageError, match="no Python file"):
        from_file(tmp_path / "words.txt")
    with pytest.raises(UsageError, match="400 or more"):
        grade(Guessing(), dsprites, images=5)
    with pytest.raises(UsageError, match="choose of train"):
        grade(Guessing(), dsprites, split="exam")


def test_best_guesses_where_pictures_have_several_labels() -> None:
    """Four turns of a square and of an ellipse, by hand: the square's are one picture, the
    ellipse's two, and each heart has its own."""
    dataset = load(
        "sprites", size=32, shapes=("square", "ellipse", "heart"), orientations=4, scales=1,
        positions_x=1, positions_y=1,
    )  # fmt: skip
    different, accuracies = bayes_accuracies(dataset)
    turns = dataset.values[:4, list(dataset.factor_names).index("orientation")]
    assert len(turns) == 4
    assert different == len(np.unique(dataset.images_at(range(len(dataset))).numpy(), axis=0))
    assert accuracies["shape"] == 1
    assert accuracies["orientation"] == pytest.approx(different / len(dataset))


@pytest.mark.slow
def test_the_ceiling_of_dsprites(dsprites: Any) -> None:
    different, accuracies = bayes_accuracies(dsprites)
    assert different == 715_706
    assert list(accuracies) == FACTORS
    assert [round(value, 5) for value in accuracies.values()] == [1, 1, 0.97074, 1, 1]
    assert 50 * np.mean(list(accuracies.values())) == pytest.approx(49.707, abs=5e-4)
