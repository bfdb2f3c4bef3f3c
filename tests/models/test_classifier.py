import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import distaff
from distaff.compare import compare
from distaff.errors import Interrupted, UsageError
from distaff.evaluate import evaluate
from distaff.experiment import Experiment, experiment_from_json, to_json
from distaff.illustrate import illustrate
from distaff.inference.encode import probabilities_of
from distaff.models import Classifier, build
from distaff.models.classifier import moved
from distaff.nets import ConvolutionalEncoder
from distaff.runs import find_runs
from distaff.train import train
from distaff.types import Batch, DataSpec

NET = ConvolutionalEncoder.Config(widths=(8, 8), hidden=(32,))
SPEC = DataSpec((1, 16, 16), (1, 3, 4), 100, ("colour", "shape", "scale"))


@pytest.fixture
def experiment(small_experiment: Experiment, with_training: Callable[..., Experiment]) -> Any:
    changed = replace(
        small_experiment,
        model=Classifier.Config(factor="scale", encoder=NET, shift=1),
        metrics=(),
        figures=("training-curves",),
    )
    return with_training(changed, steps=60, learning_rate=3e-3)


class StopAt:
    """Stops the training as Ctrl-C does."""

    def __init__(self, step: Any) -> None:
        self.step = step

    def start(self, run: Any, trainer: Any) -> None:
        pass

    def advance(self, trainer: Any, records: Any) -> None:  # noqa: ARG002
        if trainer.current_step == self.step:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)


def test_moved_images_are_cut_from_a_black_surround() -> None:
    image = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
    offsets = torch.tensor([[0, 0], [1, 0], [-1, 2]])
    still, down, up_right = moved(image.expand(3, -1, -1, -1), offsets, 2)[:, 0].tolist()
    assert still == image[0, 0].tolist()
    assert down == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert up_right == [[0, 0, 4], [0, 0, 7], [0, 0, 0]]


def test_noise_moves_training_images_by_every_offset_alike(generator: torch.Generator) -> None:
    model: Any = build(Classifier.Config(encoder=NET, shift=2), SPEC, seed=0)
    offsets = (model.sample_noise(10_000, generator) * 5).long() - 2
    counts = torch.stack([(offsets == value).sum() for value in range(-2, 3)])
    assert (counts / 20_000 - 0.2).abs().max() < 0.01


def test_a_classifier_without_knowledge_needs_the_entropy_of_its_guess(
    generator: torch.Generator,
) -> None:
    model: Any = build(Classifier.Config(factor="scale", encoder=NET), SPEC, seed=0)
    with torch.no_grad():
        model.encoder[-1].weight.zero_()
        model.encoder[-1].bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]).log())
    factors = torch.tensor([[0, 0, 0], [0, 0, 1], [0, 0, 3], [0, 0, 3]])
    images = torch.rand(4, 1, 16, 16, generator=generator)
    assert np.allclose(model.probabilities(images.numpy()), [[0.1, 0.2, 0.3, 0.4]] * 4)
    noise = model.sample_noise(4, generator)
    for labelled, expected in (
        ([True] * 4, -math.log(0.1 * 0.2 * 0.4 * 0.4) / 4),
        ([True, False, False, True], -math.log(0.1 * 0.4) / 2),
    ):
        batch = Batch(images, factors, torch.tensor(labelled))
        terms = model.loss_terms(batch, noise, "classifier")
        assert terms["cross_entropy"].item() == pytest.approx(expected, rel=1e-5)


def test_images_are_moved_in_training_and_not_afterwards(generator: torch.Generator) -> None:
    model: Any = build(Classifier.Config(encoder=NET), SPEC, seed=0)
    images = torch.rand(4, 1, 16, 16, generator=generator)
    batch = Batch(images, torch.zeros(4, 3, dtype=torch.int64), torch.ones(4, dtype=torch.bool))

    def terms(offset: Any) -> Any:
        noise = torch.full((4, 2), offset)
        return model.loss_terms(batch, noise, "classifier")["cross_entropy"].item()

    assert terms(0.0) != terms(0.5)
    model.eval()
    assert terms(0.0) == terms(0.5)


def test_a_classifier_is_trained_measured_drawn_and_compared(
    experiment: Experiment, tmp_path: Path
) -> None:
    assert experiment_from_json(to_json(experiment)) == experiment
    (run,) = train(experiment, tmp_path)
    (score,) = evaluate(run, images=100).values()
    assert score.value > 0.9
    assert score.interval[0] <= score.value <= score.interval[1]  # type: ignore[index]
    assert set(score.parts) == {"scale 0", "scale 1"}
    assert illustrate(run)[0].is_file()
    assert [row.quantity for row in compare([run])][-1] == "validation cross_entropy"
    for ask in (lambda: evaluate(run, ["dci"]), lambda: illustrate(run, ["samples"])):
        with pytest.raises(UsageError, match="is a classifier, which has no latents"):
            ask()


def test_a_loaded_classifier_says_what_the_trained_one_said(
    experiment: Experiment, tmp_path: Path
) -> None:
    (run,) = train(experiment, tmp_path)
    classifier, dataset = distaff.load(tmp_path), run.load_dataset().split("test")
    assert isinstance(classifier, Classifier)
    said = probabilities_of(classifier, dataset)
    images = dataset.images_at(range(len(dataset)))
    assert np.allclose(said, classifier.probabilities(images.numpy()), atol=1e-6)
    truth = dataset.factors[:, classifier.factor].numpy()
    score = evaluate(run)["accuracy"]
    assert score.value == pytest.approx((said.argmax(axis=1) == truth).mean())


def test_a_classifier_that_was_stopped_goes_on_to_the_bit(
    experiment: Experiment, tmp_path: Path
) -> None:
    (whole,) = train(experiment, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(experiment, tmp_path / "broken", progress=StopAt(37))
    (broken,) = find_runs(tmp_path / "broken")
    train(experiment, tmp_path / "broken", resume=True)
    assert broken.model_file.read_bytes() == whole.model_file.read_bytes()


def test_a_negative_shift_is_refused() -> None:
    with pytest.raises(ValueError, match="shift is -1; it must be from 0"):
        Classifier.Config(shift=-1)
