"""Document 002: a VAE and a conditional VAE on MNIST, and whether the digits are the right ones."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import ClassVar

import numpy as np
import safetensors.torch
import torch
from matplotlib.figure import Figure
from typing_extensions import override

from distaff import figures
from distaff.data import FactorDataset
from distaff.experiment import Experiment
from distaff.inference.conditional_samples import accuracy_of_images, conditional_accuracy
from distaff.models import Classifier, ConditionalVAE, GenerativeModel, Model
from distaff.recipes import MNIST_CLASSIFIER, MNIST_CONDITIONAL_VAE, MNIST_DENSE_VAE
from distaff.runs import OpenRun, Run
from distaff.studies.study import Budget, Results, Study, StudyContext, for_smoke
from distaff.types import Batch

SAMPLES_EACH: Mapping[Budget, int] = {"smoke": 20, "quick": 1000, "full": 1000}
"""Samples of each digit that the classifier judges."""
SEEDS: Mapping[Budget, tuple[int, ...]] = {"smoke": (0,), "quick": (0,), "full": (0, 1, 2, 3, 4)}
DIGITS = 10
SIDE = 12
"""Images along a side of the grids."""
RELOADED = 32
TESTED_AT_ONCE = 1000


class MnistConditional(Study):
    """A fully connected VAE and its conditional form on MNIST, judged by a classifier.

    Reference: homework 6, "Variational Autoencoders", of the course "Deep Learning" (CSCI
    1470/2470, Brown University, 2024).
    """

    name = "mnist-conditional"
    title = "A VAE and a conditional VAE on MNIST"
    # of a run at budget quick, one thread on a machine with other work; full has five seeds
    estimates: ClassVar[Mapping[Budget, Mapping[str, float]]] = {
        "quick": {"vae": 80, "cvae": 80, "classifier": 420, "losses": 5, "digits": 7},
        "full": {"vae": 400, "cvae": 400, "classifier": 420, "losses": 5, "digits": 35},
    }

    @cached_property
    @override
    def experiments(self) -> Mapping[str, Experiment]:
        recipes = {
            "vae": replace(MNIST_DENSE_VAE, seeds=SEEDS[self.budget]),
            "cvae": replace(MNIST_CONDITIONAL_VAE, seeds=SEEDS[self.budget]),
            "classifier": MNIST_CLASSIFIER,
        }
        if self.budget != "smoke":
            return recipes
        return {
            name: replace(recipe, training=for_smoke(recipe.training))
            for name, recipe in recipes.items()
        }

    @property
    @override
    def tasks(self) -> Mapping[str, Callable[[StudyContext], Results]]:
        return {
            "losses": losses,
            "pictures": pictures,
            "digits": partial(digits, each=SAMPLES_EACH[self.budget]),
        }


def losses(bench: StudyContext) -> Results:
    """The loss over the epochs, and in the end on training, validation and test images."""
    results = {name: _losses(bench.open(bench.run(name))) for name in ("vae", "cvae")}
    curves = {
        "loss": {
            f"{name.upper()}, {split}": [_curve(run, split) for run in bench.runs(name)]
            for name in ("vae", "cvae")
            for split in ("train", "validation")
        }
    }
    bench.draw(
        "loss",
        figures.term_curves(curves),
        "Loss of both models in nats per image over the steps: the mean over the batches of an "
        "epoch, and on the validation images after it.",
    )
    return results | {
        "last_epochs": {
            name: [_curve(run, "train")[1][-1] for run in bench.runs(name)]
            for name in ("vae", "cvae")
        },
        "reloaded": _reloaded(bench.open(bench.run("cvae"))),
    }


def _conditional(model: Model) -> ConditionalVAE:
    assert isinstance(model, ConditionalVAE)
    return model


def _curve(run: Run, split: str) -> tuple[list[float], list[float]]:
    lines = [line for line in run.log if line["split"] == split]
    return [line["step"] for line in lines], [line["objective"] for line in lines]


def _losses(opened: OpenRun) -> dict[str, float]:
    run = opened.run
    terms = _terms(opened.generative, opened.dataset.split("test"))
    return {
        "last_epoch": _curve(run, "train")[1][-1],
        "validation": _curve(run, "validation")[1][-1],
        "test": terms["reconstruction"] + terms["kl"],
        "test_reconstruction": terms["reconstruction"],
        "test_kl": terms["kl"],
    }


@torch.no_grad()
def _terms(model: GenerativeModel, dataset: FactorDataset) -> dict[str, float]:
    """The terms of the loss on all images of a set."""
    generator = torch.Generator().manual_seed(0)
    sums = {"reconstruction": 0.0, "kl": 0.0}
    for rows in torch.arange(len(dataset)).split(TESTED_AT_ONCE):
        batch = _labelled(dataset, rows)
        terms = model.loss_terms(batch, model.sample_noise(len(rows), generator), "vae")
        for name in sums:
            sums[name] += terms[name].item() * len(rows) / len(dataset)
    return sums


def _labelled(dataset: FactorDataset, rows: torch.Tensor) -> Batch:
    batch = dataset.batch_at(rows)
    return batch._replace(labelled=torch.ones_like(batch.labelled))


def _reloaded(opened: OpenRun) -> dict[str, float]:
    """How far the reconstructions of a model lie from those of another one with its weights."""
    model, other = _conditional(opened.model), _conditional(opened.run.load_model())
    batch = _labelled(opened.dataset.split("test"), torch.arange(RELOADED))
    for parameter in other.parameters():
        torch.nn.init.zeros_(parameter)
    other.load_state_dict(safetensors.torch.load(safetensors.torch.save(model.state_dict())))
    context = model.context_from(batch.factors)
    with torch.no_grad():
        first, second = (m.reconstruct(batch.images, context) for m in (model, other))
    return {"images": RELOADED, "difference": float((first - second).abs().max())}


def pictures(bench: StudyContext) -> Results:
    """Samples of the VAE, a plane through four of its latents, ten samples of each digit."""
    vae, cvae = (
        bench.open(bench.run("vae")).generative,
        _conditional(bench.open(bench.run("cvae")).model),
    )
    drawn = vae.sample(SIDE * SIDE)
    bench.draw(
        "vae-samples",
        figures.image_grid(drawn.reshape(SIDE, SIDE, *drawn.shape[1:])),
        "New digits of the VAE: means of p(x|z) with z sampled from the prior.",
    )
    bench.draw(
        "vae-interpolation",
        _plane(vae, bench.open(bench.run("vae")).dataset.split("test")),
        "Between four test images of different digits, whose posterior means are the corners: "
        "means of p(x|z) with z interpolated in both directions.",
    )
    context = cvae.context_at(np.repeat(np.arange(DIGITS), DIGITS).tolist())
    with torch.no_grad():
        asked = cvae.sample(DIGITS * DIGITS, context=context)
    bench.draw(
        "cvae-digits",
        figures.image_grid(
            asked.reshape(DIGITS, DIGITS, *asked.shape[1:]),
            row_labels=[str(digit) for digit in range(DIGITS)],
        ),
        "Ten digits of each kind from the conditional VAE: means of p(x|z,c), z sampled from the "
        "prior, c the digit named at the row.",
    )
    return {}


@torch.no_grad()
def _plane(model: GenerativeModel, test: FactorDataset) -> Figure:
    """Bilinear interpolation between the codes of the first four images of different digits."""
    _, first = np.unique(test.factors[:100, 0].numpy(), return_index=True)
    corners = model.encode(test.images_at(np.sort(first)[:4])).mean
    down, right = torch.meshgrid(*[torch.linspace(0, 1, SIDE)] * 2, indexing="ij")
    weights = torch.stack(
        [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right]
    )
    means = model.decode(weights.flatten(1).T @ corners).numpy()
    return figures.image_grid(means.reshape(SIDE, SIDE, *means.shape[1:]))


def digits(bench: StudyContext, each: int) -> Results:
    """What a classifier takes the samples of each digit for, and how they vary."""
    judge = bench.open(bench.run("classifier"))
    classifier, test = judge.model, judge.dataset.split("test")
    assert isinstance(classifier, Classifier)
    images, labels = test.images_at(range(len(test))).numpy(), test.factors[:, 0].long().numpy()
    said = np.concatenate([classifier.probabilities(part) for part in np.array_split(images, 10)])
    real = accuracy_of_images(said, labels, images, images, labels)
    seeds = [
        conditional_accuracy(_conditional(bench.open(run).model), classifier, test, per_value=each)
        for run in bench.runs("cvae")
    ]
    drawn = seeds[0]
    bench.draw(
        "confusion-matrix",
        figures.confusion_matrix(drawn.confusion, names=[str(digit) for digit in range(DIGITS)]),
        f"What the classifier takes {each} samples of each digit for: share of each row.",
    )
    pixels = images[0].size
    return {
        "samples": each * DIGITS,
        "samples_each": each,
        "accuracy": drawn.accuracy,
        "accuracies": [judged.accuracy for judged in seeds],
        "classifier_accuracy": real.accuracy,
        "entropy": drawn.entropy,
        "real_entropy": real.entropy,
        "diversity": drawn.diversity,
        "variance": float(drawn.variance.mean()) * pixels,
        "real_variance": float(drawn.real_variance.mean()) * pixels,
        "each": [
            {
                "accuracy": float(drawn.confusion[digit, digit]),
                "variance": float(drawn.variance[digit]) * pixels,
                "real_variance": float(drawn.real_variance[digit]) * pixels,
            }
            for digit in range(DIGITS)
        ],
    }
