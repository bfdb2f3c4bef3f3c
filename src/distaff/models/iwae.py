"""The importance weighted autoencoder."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from distaff.models.elbo import AbstractVAE
from distaff.probability.gaussian import HALF_LOG_TWO_PI, DiagonalGaussian
from distaff.types import Batch, Latents, LossTerms, Noise, Settings

MOST_SAMPLES = 10_000


class IWAE(AbstractVAE):
    """Autoencoder trained on the importance weighted bound, which tightens with its samples.

    Maximises  L_k = E[log 1/k sum_s w_s],  w_s = p(x|z_s) p(z_s) / q(z_s|x),  z_s ~ q(z|x),
    in nats per image. With one sample this is the ELBO, its KL term estimated from the sample.

    Beside `bound` the log holds `reconstruction`, its mean over the k samples, and `kl`, as of any
    other model: their sum is the negative ELBO of the same encoder.

    Reference: Burda et al. 2016, "Importance weighted autoencoders", equation 8.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(AbstractVAE.Config):
        """Settings of the importance weighted autoencoder."""

        samples: int = 50
        """Latents drawn for each image, k; 1, 5 and 50 in the paper."""

        def __post_init__(self) -> None:
            """Refuses a bound of no samples, or of more than one step could hold."""
            super().__post_init__()
            if not 1 <= self.samples <= MOST_SAMPLES:
                raise ValueError(f"samples is {self.samples}; it must be from 1 to {MOST_SAMPLES}")

    config: Config

    def sample_noise(self, batch_size: int, generator: torch.Generator) -> Noise:
        """Draws standard normal noise, [batch, sample, latent]."""
        shape = (batch_size, self.config.samples, self.config.latents)
        return torch.randn(shape, generator=generator, device=generator.device)

    def more_terms(
        self,
        batch: Batch,
        posterior: DiagonalGaussian,
        latents: Latents,
        log_likelihood: Float[Tensor, " row"],
    ) -> LossTerms:
        """Returns `bound`, the importance weighted one."""
        log_weights = log_likelihood + log_prior_over_posterior(latents, posterior)
        bound = log_weights.unflatten(0, (len(batch.images), -1)).logsumexp(dim=1)
        return {"bound": (bound - math.log(self.config.samples)).mean()}

    @staticmethod
    @override
    def objective(terms: LossTerms, settings: Settings) -> Tensor:
        return -terms["bound"]


def log_prior_over_posterior(
    latents: Latents, posterior: DiagonalGaussian
) -> Float[Tensor, " batch"]:
    """Returns log p(z) - log q(z|x) of each row of latents, with p(z) = N(0, I)."""
    log_prior = -0.5 * latents.square() - HALF_LOG_TWO_PI
    return (log_prior - posterior.log_prob(latents)).sum(dim=1)
