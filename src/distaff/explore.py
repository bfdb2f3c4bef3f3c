"""Pictures a model makes, as arrays for the figures."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from distaff.data import FactorDataset
from distaff.gaussian import DiagonalGaussian
from distaff.models import AbstractVAE
from distaff.score import Array
from distaff.types import Images

BATCH = 512
"""Images encoded at once, so that memory does not grow with their number."""


@torch.no_grad()
def posterior_of(model: AbstractVAE, dataset: FactorDataset) -> DiagonalGaussian:
    """Encodes a whole data set, in batches; returns the posterior on the CPU."""
    rows = torch.arange(len(dataset)).split(BATCH)
    parts = [model.encode(dataset.images_at(r).to(model.device)) for r in rows]
    mean, log_std = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
    return DiagonalGaussian(mean, log_std)


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
) -> Array:
    """Decodes points on the straight line between two images' latents.

    The latents are sampled from the posteriors of the two images; alpha is the weight of the
    right one: z = (1 - alpha) z_left + alpha z_right.

    Args:
        model: a trained model.
        left: [pair, channel, height, width].
        right: likewise.
        alphas: weights of the right image.
        generator: of the samples, on the CPU.

    Returns:
        Mean images, [pair, alpha, channel, height, width].
    """
    start, end = (_sample(model, images, generator) for images in (left, right))
    weights = torch.tensor(list(alphas), device=model.device)[None, :, None]
    between = torch.lerp(start[:, None], end[:, None], weights)
    images = model.decode(between.flatten(0, 1)).unflatten(0, between.shape[:2])
    return np.asarray(images.cpu())


def _sample(model: AbstractVAE, images: Images, generator: torch.Generator) -> Tensor:
    posterior = model.encode(images.to(model.device))
    noise = torch.randn(posterior.mean.shape, generator=generator)
    latents: Tensor = posterior.sample(noise.to(model.device))
    return latents
