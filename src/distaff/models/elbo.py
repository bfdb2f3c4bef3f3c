r"""What all variational autoencoders share.

The evidence lower bound of an image is

    log p(x) >= E_q(z|x)[log p(x|z)] - KL(q(z|x) || p(z)),   p(z) = N(0, I),

estimated with one sample of z (Kingma & Welling 2014, equation 10). Its two terms are sums over
pixels and latents, averaged over the batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.errors import UsageError
from distaff.likelihoods import Bernoulli
from distaff.likelihoods.base import LikelihoodConfig
from distaff.models.base import GenerativeModel, Player, takes_arrays, takes_pictures
from distaff.nets import ConvolutionalDecoder, ConvolutionalEncoder, unrounded
from distaff.nets.decoder import DecoderConfig
from distaff.nets.encoder import EncoderConfig
from distaff.probability.gaussian import DiagonalGaussian
from distaff.registry import check_kind
from distaff.types import (
    Batch,
    Context,
    DataSpec,
    Factors,
    Images,
    Latents,
    LossTerms,
    Noise,
    Outputs,
    Settings,
)


class AbstractVAE(GenerativeModel):
    """A variational autoencoder; a paper's model adds `more_terms`, `settings` or `objective`.

    A conditional one adds `context_size` and `context_from` too; encoder and decoder are then
    built for a context, and every method asks for it.
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
        posterior = 2 * config.latents
        self.encoder = config.encoder.build(spec.image_shape, posterior, self.context_size)
        outputs = (channels * self.likelihood.outputs_per_channel, height, width)
        self.decoder = config.decoder.build(config.latents + self.context_size, outputs)

    @property
    def players(self) -> Mapping[str, Player]:
        """One player, which trains encoder and decoder on the bound."""
        return {"vae": Player(self.vae_terms, self.objective, ("encoder", "decoder"))}

    @property
    def context_size(self) -> int:
        """Numbers in a row of context; 0 for a model that is not conditional."""
        return 0

    def context_from(self, factors: Factors) -> Context | None:  # noqa: ARG002
        """Returns the context of images with these factors; None for one not conditional."""
        return None

    @takes_pictures
    def encode(self, images: Images, context: Context | None = None) -> DiagonalGaussian:
        """Returns the posterior of each image.

        Args:
            images: pictures as `prepare` takes them: paths, pictures of Pillow, uint8 or numbers in
                [0, 1], channels first or last.
            context: [batch, context], of a conditional model; a tensor or an array.

        Returns:
            Mean and log standard deviation, each [batch, latent]: tensors of tensors, else arrays.

        Raises:
            UsageError: images or context of another shape than the model was built for, or values
                outside of [0, 1].
            DataError: a picture that cannot be read.
        """
        return self.posterior(images, context)

    def posterior(self, images: Images, context: Context | None = None) -> DiagonalGaussian:
        """Returns the posterior of images whose values nobody looks at, as a training step needs.

        Args:
            images: [batch, channel, height, width] in [0, 1], as `prepare` returns them.
            context: [batch, context], of a conditional model.
        """
        given = self._given(context, len(images))
        mean, log_std = unrounded(self.encoder(images, *given)).chunk(2, dim=1)
        return DiagonalGaussian(mean, log_std)

    @takes_arrays
    def decode(self, latents: Latents, context: Context | None = None) -> Images:
        """Returns the mean image of each row of latents.

        Args:
            latents: [batch, latent]; a tensor or an array.
            context: [batch, context], of a conditional model; a tensor or an array.

        Returns:
            [batch, channel, height, width], of the kind that came in.

        Raises:
            UsageError: a context of another shape than the model was built for.
        """
        return self.likelihood.mean(self.outputs(latents, context))

    def outputs(self, latents: Latents, context: Context | None = None) -> Outputs:
        """Returns what the decoder puts out for each row of latents, the likelihood's parameters.

        Args:
            latents: [batch, latent].
            context: [batch, context], of a conditional model.

        Returns:
            [batch, output, height, width], float32.

        Raises:
            UsageError: a context of another shape than the model was built for.
        """
        inputs = torch.cat([latents, *self._given(context, len(latents))], dim=1)
        outputs: Outputs = unrounded(self.decoder(inputs))
        return outputs

    def log_likelihood(
        self, images: Images, latents: Latents, context: Context | None = None
    ) -> Images:
        """Returns log p(x|z) of each pixel in nats, so that a part of an image is a mask.

        Args:
            images: [batch, channel, height, width] in [0, 1].
            latents: [batch, latent], one row for each image.
            context: [batch, context], of a conditional model.
        """
        return self.likelihood.log_prob(images, self.outputs(latents, context))

    @takes_pictures
    def reconstruct(self, images: Images, context: Context | None = None) -> Images:
        """Returns the mean image of each image's posterior mean; arguments as in `encode`."""
        images_mean: Images = self.decode(self.posterior(images, context).mean, context)
        return images_mean

    @takes_pictures
    def traverse(
        self,
        image: Images,
        values: Sequence[float] = (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2),
        context: Float[Tensor, " context"] | None = None,
    ) -> Float[Tensor, "latent value channel height width"]:
        """Moves one latent of an image at a time.

        Args:
            image: one picture as `prepare` takes it.
            values: what the moved latent is set to; the others stay at their posterior mean.
            context: [context], of a conditional model; it stays as it is.

        Returns:
            Mean images, [latent, value, channel, height, width]: a tensor of a tensor, else an
            array.

        Raises:
            UsageError: several pictures; and as in `encode`.
        """
        if len(image) != 1:
            raise UsageError(f"{len(image)} pictures given to be traversed; give one.")
        given = None if context is None else context[None]
        code = self.posterior(image, given).mean[0]
        count = len(code)
        moved = code.repeat(count, len(values), 1)
        each = torch.arange(count, device=code.device)
        moved[each, :, each] = torch.tensor(values, dtype=code.dtype, device=code.device)
        rows = moved.flatten(0, 1)
        images: Images = self.decode(rows, None if given is None else given.expand(len(rows), -1))
        return images.reshape(count, len(values), *images.shape[1:])

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

    def check_context(self, context: Context | None, rows: int) -> None:
        """Refuses a context that does not fit the model, or none where it needs one.

        Args:
            context: [batch, context], or None.
            rows: batch, the number of images or rows of latents.

        Raises:
            UsageError: a context of another shape than the model was built for.
        """
        if self.context_size == 0 and context is None:
            return
        if self.context_size == 0:
            raise UsageError("this model is not conditional; leave out the context.")
        shape = None if context is None else tuple(context.shape)
        if context is None or shape != (rows, self.context_size):
            raise UsageError(
                f"this model is conditional and its context has the shape {shape}; give one of "
                f"({rows}, {self.context_size}), for example model.context_of([0] * {rows})."
            )

    @staticmethod
    def objective(terms: LossTerms, settings: Settings) -> Tensor:  # noqa: ARG004
        """Returns what encoder and decoder minimise; by default the negative bound."""
        return terms["reconstruction"] + terms["kl"]

    def _given(self, context: Context | None, rows: int) -> tuple[Context, ...]:
        """The context as one argument, or as none for a model that is not conditional.

        One-hot of k numbers, it has the mean square 1/k. It is brought to 1, as that of a latent,
        or the latents learn what it says before it is heard: of the digits drawn by the recipe
        `mnist-conditional-vae` a classifier then takes half for another one.
        """
        self.check_context(context, rows)
        return () if context is None else (context * self.context_size**0.5,)
