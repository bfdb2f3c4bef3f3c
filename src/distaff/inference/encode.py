"""Images to codes."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from distaff.arrays import Array
from distaff.data import FactorDataset
from distaff.models import Classifier, GenerativeModel
from distaff.probability.gaussian import DiagonalGaussian
from distaff.types import Context, Images

BATCH = 512
"""Images encoded at once, so that memory does not grow with their number."""


@torch.no_grad()
def posterior_of(model: GenerativeModel, dataset: FactorDataset) -> DiagonalGaussian:
    """Encodes a whole data set, in batches; returns the posterior on the CPU.

    A conditional model is given the factor's value of each image.
    """
    parts = [
        model.encode(dataset.images_at(rows).to(model.device), context_at(model, dataset, rows))
        for rows in torch.arange(len(dataset)).split(BATCH)
    ]
    mean, log_std = _joined(parts)
    return DiagonalGaussian(mean.cpu(), log_std.cpu())


@torch.no_grad()
def encode(
    model: GenerativeModel, images: Images, context: Context | None = None
) -> DiagonalGaussian:
    """Returns the posterior of any number of images, on the model's device.

    Args:
        model: a trained model.
        images: [batch, channel, height, width], as `model.prepare` returns them.
        context: [batch, context], of a conditional model.
    """
    parts = [
        model.posterior(images[rows], None if context is None else context[rows])
        for rows in torch.arange(len(images), device=images.device).split(BATCH)
    ]
    return _joined(parts)


def _joined(parts: Sequence[DiagonalGaussian]) -> DiagonalGaussian:
    mean, log_std = (torch.cat(column) for column in zip(*parts, strict=True))
    return DiagonalGaussian(mean, log_std)


def context_at(model: GenerativeModel, dataset: FactorDataset, rows: Tensor) -> Context | None:
    """Returns what a conditional model is given beside these images; None for another model."""
    return model.context_from(dataset.factors_at(rows).to(model.device))


@torch.no_grad()
def probabilities_of(classifier: Classifier, dataset: FactorDataset) -> Array:
    """Returns what a classifier says of each image of a data set, [image, value]."""
    rows = torch.arange(len(dataset)).split(BATCH)
    parts = [classifier.probabilities(dataset.images_at(r).to(classifier.device)) for r in rows]
    return np.asarray(torch.cat(parts).cpu())


def kl_of_latents(posterior: DiagonalGaussian) -> Array:
    """Returns the mean KL of each latent in nats, [latent]: 0 for one that is not in use."""
    return posterior.kl_to_standard_normal().mean(dim=0).numpy()
