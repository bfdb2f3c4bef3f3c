r"""The diagonal Gaussian, in nats.

A posterior q(z|x) = N(mean, diag exp(2 log_std)) is held as its mean and log standard deviation;
a sample is mean + std * noise, so that gradients reach both (Kingma & Welling 2014, section 2.4).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.types import Latents


class DiagonalGaussian(NamedTuple):
    """Independent Gaussians over the latents of each image."""

    mean: Latents
    log_std: Latents

    def sample(self, noise: Latents) -> Latents:
        """Returns mean + std * noise for standard normal `noise` of the same shape."""
        return self.mean + self.log_std.exp() * noise

    def repeat(self, samples: int) -> "DiagonalGaussian":
        """Returns the Gaussian of each image `samples` times, one after the other."""
        mean, log_std = (part.repeat_interleave(samples, dim=0) for part in self)
        return DiagonalGaussian(mean, log_std)

    def log_prob(self, latents: Latents) -> Float[Tensor, "batch latent"]:
        """Returns the log density of each latent on its own, in nats."""
        standardized = (latents - self.mean) * (-self.log_std).exp()
        return -0.5 * standardized.square() - self.log_std - HALF_LOG_TWO_PI

    def kl_to_standard_normal(self) -> Float[Tensor, "batch latent"]:
        """Returns KL(N(mean, std^2) || N(0, 1)) of each latent, in nats.

        1/2 (mean^2 + std^2 - 1) - log std (Kingma & Welling 2014, appendix B).
        """
        return 0.5 * (self.mean.square() + (2 * self.log_std).exp() - 1) - self.log_std


HALF_LOG_TWO_PI = 0.5 * torch.log(torch.tensor(2 * torch.pi, dtype=torch.float64)).item()
