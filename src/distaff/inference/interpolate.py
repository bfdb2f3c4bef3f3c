"""Pictures between two pictures."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from distaff.arrays import Array
from distaff.models import GenerativeModel
from distaff.probability.gaussian import DiagonalGaussian
from distaff.types import Context


@torch.no_grad()
def interpolations(
    model: GenerativeModel,
    left: DiagonalGaussian,
    right: DiagonalGaussian,
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
        left: posteriors of the left images, [pair, latent].
        right: likewise.
        alphas: weights of the right image.
        generator: of the samples, on the CPU.
        contexts: of a conditional model, those of the left and of the right images.

    Returns:
        Mean images, [pair, alpha, channel, height, width].
    """
    start, end = (_sample(model, posterior, generator) for posterior in (left, right))
    latents = _between(start, end, alphas)
    given = contexts and _between(*contexts, alphas)
    images = model.decode(latents, given).unflatten(0, (len(left.mean), len(alphas)))
    return np.asarray(images.cpu())


def _between(start: Tensor, end: Tensor, alphas: Sequence[float]) -> Tensor:
    """Points between each pair of rows, [pair * alpha, column]."""
    weights = torch.tensor(list(alphas), device=start.device)[None, :, None]
    return torch.lerp(start[:, None], end[:, None], weights).flatten(0, 1)


def _sample(
    model: GenerativeModel, posterior: DiagonalGaussian, generator: torch.Generator
) -> Tensor:
    noise = torch.randn(posterior.mean.shape, generator=generator)
    latents: Tensor = posterior.sample(noise.to(posterior.mean.device))
    return latents.to(model.device)
