r"""What all variational autoencoders share.

The evidence lower bound of an image is

    log p(x) >= E_q(z|x)[log p(x|z)] - KL(q(z|x) || p(z)),   p(z) = N(0, I),

estimated with one sample of z (Kingma & Welling 2014, equation 10). Its two terms are sums over
pixels and latents, averaged over the batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.likelihoods import Bernoulli
from distaff.likelihoods.base import LikelihoodConfig
from distaff.models.base import Player
from distaff.models.generative import GenerativeModel
from distaff.nets import ConvolutionalDecoder, ConvolutionalEncoder, unrounded
from distaff.nets.decoder import DecoderConfig
from distaff.nets.encoder import EncoderConfig
from distaff.probability.gaussian import DiagonalGaussian
from distaff.registry import check_kind
from distaff.types import (
    Batch,
    Context,
    DataSpec,
    Images,
    Latents,
    LossTerms,
    Noise,
    Outputs,
    Settings,
)


class AbstractVAE(GenerativeModel):
    """A variational autoencoder; a paper's model adds `more_terms`, `settings` or `objective`.

    Encoder and decoder of a conditional one are built for a context.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(GenerativeModel.Config):
        """Settings that every variational autoencoder has."""

        encoder: EncoderConfig = field(default_factory=ConvolutionalEncoder.Config)
        """Net from image to posterior, one of `distaff list nets`."""
        decoder: DecoderConfig = field(default_factory=ConvolutionalDecoder.Config)
        """Net from latents to image, one of `distaff list nets`."""
        likelihood: LikelihoodConfig = field(default_factory=Bernoulli.Config)
        """Likelihood of a pixel, one of `distaff list likelihoods`."""

        def __post_init__(self) -> None:
            """Refuses nets and likelihoods that are none."""
            super().__post_init__()
            check_kind(self.encoder, EncoderConfig, "encoder")
            check_kind(self.decoder, DecoderConfig, "decoder")
            check_kind(self.likelihood, LikelihoodConfig, "likelihood")

    config: Config

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        channels, height, width = spec.image_shape
        self.likelihood = config.likelihood.build()
        self.encoder = config.encoder.build(
            spec.image_shape, self.encoder_outputs, self.context_size
        )
        outputs = (channels * self.likelihood.outputs_per_channel, height, width)
        self.decoder = config.decoder.build(config.latents + self.context_size, outputs)

    @property
    def encoder_outputs(self) -> int:
        """Numbers that the encoder puts out for an image: by default mean and log std of each."""
        return 2 * self.config.latents

    @property
    def players(self) -> Mapping[str, Player]:
        """One player, which trains encoder and decoder on the bound."""
        return {"vae": Player(self.vae_terms, self.objective, ("encoder", "decoder"))}

    def posterior(self, images: Images, context: Context | None = None) -> DiagonalGaussian:
        """Returns the encoder's posterior; arguments as in `GenerativeModel.posterior`."""
        given = self._given(context, len(images))
        mean, log_std = unrounded(self.encoder(images, *given)).chunk(2, dim=1)
        return DiagonalGaussian(mean, log_std)

    def outputs(self, latents: Latents, context: Context | None = None) -> Outputs:
        """Returns what the decoder puts out; arguments as in `GenerativeModel.outputs`."""
        inputs = torch.cat([latents, *self._given(context, len(latents))], dim=1)
        outputs: Outputs = unrounded(self.decoder(inputs))
        return outputs

    def sample_noise(self, batch_size: int, generator: torch.Generator) -> Noise:
        """Draws standard normal noise, [batch, latent]."""
        shape = (batch_size, self.config.latents)
        return torch.randn(shape, generator=generator, device=generator.device)

    def vae_terms(self, batch: Batch, noise: Noise) -> LossTerms:
        """Returns the terms of the bound for the encoder's posterior."""
        context = self.context_from(batch.factors)
        return self.elbo_terms(batch, self.posterior(batch.images, context), noise, context)

    def elbo_terms(
        self,
        batch: Batch,
        posterior: DiagonalGaussian,
        noise: Noise,
        context: Context | None = None,
    ) -> LossTerms:
        """Returns `reconstruction`, E_q[-log p(x|z)], `kl`, and the terms of `more_terms`.

        Args:
            batch: the images.
            posterior: q(z|x) of each image, from the encoder or from elsewhere.
            noise: standard normal, [batch, latent], or [batch, sample, latent] for several samples
                of each image.
            context: [batch, context], of a conditional model.

        Returns:
            Terms in nats per image, the reconstruction averaged over the samples.
        """
        images, many, given = batch.images, posterior, context
        if noise.ndim == 3:
            samples = noise.shape[1]
            images, many = images.repeat_interleave(samples, dim=0), posterior.repeat(samples)
            given = None if context is None else context.repeat_interleave(samples, dim=0)
        latents = many.sample(noise.flatten(0, -2))
        log_prob = self.log_likelihood(images, latents, given).flatten(1).sum(dim=1)
        terms = {
            "reconstruction": -log_prob.mean(),
            "kl": posterior.kl_to_standard_normal().sum(dim=1).mean(),
        }
        return terms | self.more_terms(batch, many, latents, log_prob)

    def more_terms(
        self,
        batch: Batch,  # noqa: ARG002
        posterior: DiagonalGaussian,  # noqa: ARG002
        latents: Latents,  # noqa: ARG002
        log_likelihood: Float[Tensor, " row"],  # noqa: ARG002
    ) -> LossTerms:
        """Returns further terms of a paper's objective; by default there are none.

        Args:
            batch: the images and their factors, -1 where unknown.
            posterior: q(z|x) of each row of latents.
            latents: [batch * sample, latent], the samples of an image one after the other.
            log_likelihood: log p(x|z) of each row.
        """
        return {}

    @staticmethod
    def objective(terms: LossTerms, settings: Settings) -> Tensor:  # noqa: ARG004
        """Returns what encoder and decoder minimise; by default the negative bound."""
        return terms["reconstruction"] + terms["kl"]

    def _given(self, context: Context | None, rows: int) -> tuple[Context, ...]:
        """The context as one argument, or as none for a model that is not conditional.

        A one-hot of size k is scaled by sqrt(k) to unit mean square, that of a latent. Unscaled, a
        classifier misreads half of the digits that the recipe `mnist-conditional-vae` draws.
        """
        self.check_context(context, rows)
        return () if context is None else (context * self.context_size**0.5,)
