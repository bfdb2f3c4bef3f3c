"""What the tasks of the MNIST study share: a trained model with the test images in their order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from distaff.arrays import Array
from distaff.data import FactorDataset
from distaff.models import GenerativeModel
from distaff.studies.study import StudyContext
from distaff.types import Images, Latents

Estimate = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a budget decides."""

    widths: tuple[int, ...]
    hidden: tuple[int, ...]
    epochs: int
    iwae_epochs: int
    bounded: Mapping[int, int]
    """Number of samples in a bound -> test images on which it is measured, of those before."""
    inferred: int
    """Test images whose posterior is found by optimisation."""
    inference_steps: int


@dataclass(frozen=True)
class TrainedModel:
    """A trained model with the test images, in the order of the official file."""

    model: GenerativeModel
    test: FactorDataset

    def images(self, count: int) -> Images:
        """Returns the first test images."""
        return self.test.images_at(torch.arange(count))

    def drawn(self, count: int) -> Images:
        """Returns test images in random order, the same at each call; fewer are the first of more.

        The first half of the official file is easier than the second.
        """
        order = torch.randperm(len(self.test), generator=generator())
        return self.test.images_at(order[:count])

    @property
    def digits(self) -> Array:
        """The digit of each test image."""
        return self.test.factors[:, 0].numpy()


def trained_model(bench: StudyContext, name: str) -> TrainedModel:
    """Returns the trained model of an experiment."""
    opened = bench.open(bench.run(name))
    return TrainedModel(opened.generative, opened.dataset.split("test"))


def generator() -> torch.Generator:
    """Returns the generator with which each task starts again, so that tasks can be repeated."""
    return torch.Generator().manual_seed(0)


def normal(*shape: int) -> Latents:
    """Returns standard normal numbers, the same at each call."""
    return torch.randn(shape, generator=generator())


@torch.no_grad()
def posterior_sample(model: GenerativeModel, images: Images) -> Latents:
    """Returns a sample of q(Z|x) for each image."""
    posterior = model.encode(images)
    latents: Latents = posterior.sample(normal(*posterior.mean.shape))
    return latents


@torch.no_grad()
def draw(model: GenerativeModel, latents: Latents) -> tuple[Array, Array]:
    """Returns an image sampled from p(X|z) for each row of latents, and its mean."""
    outputs = model.outputs(latents)
    sampled = model.likelihood.sample(outputs, generator())
    return sampled.numpy(), model.likelihood.mean(outputs).numpy()


def summary(values: Array) -> Estimate:
    """Returns the mean of one number an image, with its 95 % interval over the images."""
    mean = float(values.mean())
    margin = 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return {"mean": mean, "low": mean - margin, "high": mean + margin, "images": len(values)}
