"""Each recipe from its name to its figures, with a small budget, on the real data."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch.nn.functional import binary_cross_entropy

from distaff.cli import main
from distaff.data import load

SMALL = [
    *("--model.encoder.widths", "8", "8", "8", "--model.encoder.hidden", "32"),
    *("--model.decoder.widths", "8", "8", "8", "--model.decoder.hidden", "32"),
    *("--training.validation-images", "256", "--seeds", "0", "--training.device", "cpu"),
]


def trained(recipe: str, runs: Path, *flags: str) -> Path:
    assert main(["train", recipe, *SMALL, *flags, "--runs", str(runs)]) == 0
    return next(runs.glob(f"{recipe}/*/seed-0"))


def last_validation(run: Path) -> dict[str, Any]:
    lines = [json.loads(line) for line in (run / "train.jsonl").read_text().splitlines()]
    return [line for line in lines if line["split"] == "validation"][-1]  # type: ignore[no-any-return]


def test_dsprites_beta_vae_writes_the_assignment_s_two_files(tmp_path: Path) -> None:
    steps = ["--training.steps", "150", "--training.validate-every", "150"]
    run = trained("dsprites-beta-vae", tmp_path, *steps)
    # 4096 log 2 = 2839 nats for a decoder that knows nothing
    assert last_validation(run)["reconstruction"] < 0.3 * 2839
    assert main(["illustrate", str(run)]) == 0
    for name in ("q1_a", "q1_b"):
        assert (run / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert main(["evaluate", str(run), "--images", "500"]) == 0
    scores = json.loads((run / "scores.json").read_text())
    parts = scores["mutual-information-gap"]["parts"]
    assert list(parts)[:5] == ["shape", "scale", "orientation", "posX", "posY"]


def nats_of_the_mean_image() -> float:
    """What the best decoder without latents needs for an MNIST image, in nats."""
    mnist = load("mnist")
    images = mnist.images_at(mnist.splits["train"])
    mean = images.mean(dim=0).clamp(1e-6, 1 - 1e-6).expand_as(images)
    return binary_cross_entropy(mean, images, reduction="sum").item() / len(images)


def test_mnist_vae_learns_digits(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    real_data("mnist/train-images-idx3-ubyte.gz")
    steps = ["--training.epochs", "1", "--training.validate-every", "195"]
    run = trained("mnist-vae", tmp_path, *steps)
    assert last_validation(run)["objective"] < 0.95 * nats_of_the_mean_image()
    assert main(["report", str(run)]) == 0
    assert "digit" in (run / "report.html").read_text()


def test_mnist_iwae_bounds_the_likelihood_of_black_and_white_digits(
    tmp_path: Path, real_data: Callable[[str], Path]
) -> None:
    real_data("mnist/train-images-idx3-ubyte.gz")
    flags = ["--training.epochs", "None", "--training.steps", "200", "--seeds", "0"]
    small = ["--model.samples", "3", "--training.validation-images", "256"]
    assert main(["train", "mnist-iwae", *small, *flags, "--runs", str(tmp_path)]) == 0
    last = last_validation(next(tmp_path.glob("mnist-iwae/*/seed-0")))
    assert last["bound"] == -last["objective"]
    assert -last["bound"] < last["reconstruction"] + last["kl"]
    assert -last["bound"] < 0.95 * nats_of_the_mean_image()


@pytest.mark.slow
def test_the_demo_ends_in_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo itself, shortened; docs/make.py measures it in full."""
    from dataclasses import replace

    from distaff import recipes

    short = replace(recipes.DEMO, training=replace(recipes.DEMO.training, steps=200))
    monkeypatch.setattr(recipes, "DEMO", short)
    assert main(["demo", "--runs", str(tmp_path)]) == 0
    path = Path(capsys.readouterr().out.strip().splitlines()[-1].removeprefix("report: "))
    assert (
        path.read_text().count("data:image/png;base64,") == 6
    )  # five figures, and the matrix of its score
    assert main(["demo", "--runs", str(tmp_path)]) == 0  # found again, not trained again


FEW = ("--training.steps", "5", "--training.batch-size", "16", "--training.validate-every", "5")


def test_a_network_of_modules_is_trained_scored_and_shown(tmp_path: Path) -> None:
    small = [*FEW, "--training.validation-images", "64", "--model.images", "600"]
    assert main(["train", "dsprites-modular", *small, "--runs", str(tmp_path)]) == 0
    run = next(tmp_path.glob("dsprites-modular/*/seed-0"))
    assert main(["evaluate", str(run), "--images", "400"]) == 0
    scores = json.loads((run / "scores.json").read_text())
    assert scores["mutual-information-gap"]["value"] > 0.5
    assert main(["illustrate", str(run)]) == 0
    assert (run / "figures" / "traversals.png").is_file()
    assert main(["grade", str(run)]) == 2


def test_a_renderer_is_learnt_from_labels_and_graded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = [*FEW, "--training.labelled-per-batch", "8", "--training.validation-images", "64"]
    settings = ["--data.labelled", "1000", "--model.unlabelled", "0", "--runs", str(tmp_path)]
    assert main(["train", "dsprites-renderer", *small, *settings]) == 0
    capsys.readouterr()
    assert main(["grade", str(tmp_path / "dsprites-renderer"), "--images", "600", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] > 49
