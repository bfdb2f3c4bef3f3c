"""Pictures a model makes, as arrays for the figures."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from distaff.data import FactorDataset
from distaff.gaussian import DiagonalGaussian
from distaff.models import AbstractVAE, Classifier
from distaff.score import Array
from distaff.types import Context, Images

BATCH = 512
"""Images encoded at once, so that memory does not grow with their number."""


@torch.no_grad()
def posterior_of(model: AbstractVAE, dataset: FactorDataset) -> DiagonalGaussian:
    """Encodes a whole data set, in batches; returns the posterior on the CPU.

    A conditional model is given the factor's value of each image.
    """
    parts = [
        model.encode(dataset.images_at(rows).to(model.device), context_at(model, dataset, rows))
        for rows in torch.arange(len(dataset)).split(BATCH)
    ]
    mean, log_std = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
    return DiagonalGaussian(mean, log_std)


def context_at(model: AbstractVAE, dataset: FactorDataset, rows: Tensor) -> Context | None:
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


@torch.no_grad()
def interpolations(
    model: AbstractVAE,
    left: Images,
    right: Images,
    alphas: Sequence[float],
    *,
    generator: torch.Generator,
    contexts: tuple[Context, Context] | None = None,
) -> Array:
    """Decodes points on the straight line between two images' latents.

    The latents are sampled from the posteriors of the two images; alpha is the weight of the
    right one: z = (1 - alpha) z_left + alpha z_right. The context moves along with the latents.

    Args:
        model: a trained model.
        left: [pair, channel, height, width].
        right: likewise.
        alphas: weights of the right image.
        generator: of the samples, on the CPU.
        contexts: of a conditional model, those of the left and of the right images.

    Returns:
        Mean images, [pair, alpha, channel, height, width].
    """
    given_left, given_right = contexts or (None, None)
    start = _sample(model, left, given_left, generator)
    end = _sample(model, right, given_right, generator)
    latents = _between(start, end, alphas)
    given = contexts and _between(*contexts, alphas)
    images = model.decode(latents, given).unflatten(0, (len(left), len(alphas)))
    return np.asarray(images.cpu())


def _between(start: Tensor, end: Tensor, alphas: Sequence[float]) -> Tensor:
    """Points between each pair of rows, [pair * alpha, column]."""
    weights = torch.tensor(list(alphas), device=start.device)[None, :, None]
    return torch.lerp(start[:, None], end[:, None], weights).flatten(0, 1)


def _sample(
    model: AbstractVAE, images: Images, context: Context | None, generator: torch.Generator
) -> Tensor:
    posterior = model.encode(images.to(model.device), context)
    noise = torch.randn(posterior.mean.shape, generator=generator)
    latents: Tensor = posterior.sample(noise.to(model.device))
    return latents
