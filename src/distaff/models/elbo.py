r"""What all variational autoencoders share.

The evidence lower bound of an image is

    log p(x) >= E_q(z|x)[log p(x|z)] - KL(q(z|x) || p(z)),   p(z) = N(0, I),

estimated with one sample of z (Kingma & Welling 2014, equation 10). Its two terms are sums over
pixels and latents, averaged over the batch.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.errors import UsageError
from distaff.gaussian import DiagonalGaussian
from distaff.likelihoods import LIKELIHOODS, Bernoulli, Likelihood
from distaff.models.base import Model, Player, takes_arrays
from distaff.nets import DECODERS, ENCODERS, ConvolutionalDecoder, ConvolutionalEncoder
from distaff.registry import kind_of
from distaff.types import Batch, DataSpec, Images, Latents, LossTerms, Noise, Settings


class AbstractVAE(Model):
    """A variational autoencoder; a paper's model adds `settings` and `objective`."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Settings that every variational autoencoder has."""

        latents: int = 10
        """Number of latent variables."""
        encoder: Any = field(default_factory=ConvolutionalEncoder.Config)
        """Net from image to posterior, one of `distaff list nets`."""
        decoder: Any = field(default_factory=ConvolutionalDecoder.Config)
        """Net from latents to image, one of `distaff list nets`."""
        likelihood: Any = field(default_factory=Bernoulli.Config)
        """Likelihood of a pixel, one of `distaff list likelihoods`."""

        def __post_init__(self) -> None:
            """Refuses a model without latents."""
            if self.latents < 1:
                raise ValueError(f"latents is {self.latents}; it must be at least 1")

    config: Config

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        channels, height, width = spec.image_shape
        likelihood = LIKELIHOODS[kind_of(config.likelihood, LIKELIHOODS)]
        self.likelihood: Likelihood = likelihood(config.likelihood)
        encoder = ENCODERS[kind_of(config.encoder, ENCODERS)]
        self.encoder = encoder(config.encoder, spec.image_shape, 2 * config.latents)
        decoder = DECODERS[kind_of(config.decoder, DECODERS)]
        outputs = (channels * self.likelihood.outputs_per_channel, height, width)
        self.decoder = decoder(config.decoder, config.latents, outputs)

    @property
    def players(self) -> Mapping[str, Player]:
        """One player, which trains encoder and decoder on the bound."""
        return {"vae": Player(self.vae_terms, ("encoder", "decoder"))}

    @takes_arrays
    def encode(self, images: Images) -> DiagonalGaussian:
        """Returns the posterior of each image.

        Args:
            images: [batch, channel, height, width] in [0, 1]; a tensor or an array.

        Returns:
            Mean and log standard deviation, each [batch, latent], of the kind that came in.

        Raises:
            UsageError: images of another shape than the model was built for.
        """
        if tuple(images.shape[1:]) != self.spec.image_shape:
            raise UsageError(
                f"images have the shape {tuple(images.shape)}; the model takes "
                f"(batch, {', '.join(map(str, self.spec.image_shape))})."
            )
        mean, log_std = self.encoder(images).float().chunk(2, dim=1)
        return DiagonalGaussian(mean, log_std)

    @takes_arrays
    def decode(self, latents: Latents) -> Images:
        """Returns the mean image of each row of latents.

        Args:
            latents: [batch, latent]; a tensor or an array.

        Returns:
            [batch, channel, height, width], of the kind that came in.
        """
        return self.likelihood.mean(self.decoder(latents).float())

    def log_likelihood(self, images: Images, latents: Latents) -> Images:
        """Returns log p(x|z) of each pixel in nats, so that a part of an image is a mask.

        Args:
            images: [batch, channel, height, width] in [0, 1].
            latents: [batch, latent], one row for each image.
        """
        return self.likelihood.log_prob(images, self.decoder(latents).float())

    @takes_arrays
    def reconstruct(self, images: Images) -> Images:
        """Returns the mean image of each image's posterior mean; shapes as in `encode`."""
        images_mean: Images = self.decode(self.encode(images).mean)
        return images_mean

    @takes_arrays
    def traverse(
        self,
        image: Float[Tensor, "channel height width"],
        values: Sequence[float] = (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2),
    ) -> Float[Tensor, "latent value channel height width"]:
        """Moves one latent of an image at a time.

        Args:
            image: [channel, height, width] in [0, 1]; a tensor or an array.
            values: what the moved latent is set to; the others stay at their posterior mean.

        Returns:
            Mean images, [latent, value, channel, height, width], of the kind that came in.
        """
        code = self.encode(image[None]).mean[0]
        count = len(code)
        moved = code.repeat(count, len(values), 1)
        each = torch.arange(count, device=code.device)
        moved[each, :, each] = torch.tensor(values, dtype=code.dtype, device=code.device)
        images: Images = self.decode(moved.flatten(0, 1))
        return images.reshape(count, len(values), *images.shape[1:])

    def sample_noise(self, batch_size: int, generator: torch.Generator) -> Noise:
        """Draws standard normal noise, [batch, latent]."""
        shape = (batch_size, self.config.latents)
        return torch.randn(shape, generator=generator, device=generator.device)

    def vae_terms(self, batch: Batch, noise: Noise) -> LossTerms:
        """Returns the terms of the bound for the encoder's posterior."""
        return self.elbo_terms(batch, self.encode(batch.images), noise)

    def elbo_terms(self, batch: Batch, posterior: DiagonalGaussian, noise: Noise) -> LossTerms:
        """Returns `reconstruction`, E_q[-log p(x|z)], and `kl`, in nats per image.

        Args:
            batch: the images.
            posterior: q(z|x) of each image, from the encoder or from elsewhere.
            noise: standard normal, [batch, latent].
        """
        log_prob = self.log_likelihood(batch.images, posterior.sample(noise))
        return {
            "reconstruction": -log_prob.flatten(1).sum(dim=1).mean(),
            "kl": posterior.kl_to_standard_normal().sum(dim=1).mean(),
        }

    @abstractmethod
    def settings(self, step: int) -> Settings:
        """Returns what weighs the terms at this step."""
