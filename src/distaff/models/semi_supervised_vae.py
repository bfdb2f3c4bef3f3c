"""The VAE that is given the class of a few images and guesses that of the others."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from distaff.models.base import Player
from distaff.models.conditional_vae import ConditionalVAE, one_hot
from distaff.models.inputs import takes_pictures
from distaff.nets import ConvolutionalEncoder, unrounded
from distaff.nets.encoder import EncoderConfig
from distaff.registry import check_kind
from distaff.types import Batch, DataSpec, Images, LossTerms, Noise, Settings


class SemiSupervisedVAE(ConditionalVAE):
    """Conditional VAE whose class is a latent variable where it is not known, called M2.

    With L(x, y) = E_q(z|x,y)[-log p(x|y,z)] + KL(q(z|x,y) || p(z)) - log p(y), p(y) uniform, it
    minimises the mean over all images of

        L(x, y)  where the class is known,    sum_y q(y|x) L(x, y) - H(q(y|x))  where it is not,

    plus weight E[-log q(y|x)] over the known ones. The sum over classes is exact, so that a step
    costs as many passes through encoder and decoder as there are classes.

    Reference: Kingma, Rezende, Mohamed, Welling 2014, "Semi-supervised learning with deep
    generative models", equations 6 to 9.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(ConditionalVAE.Config):
        """Settings of the semi-supervised VAE."""

        classifier: EncoderConfig = field(
            default_factory=lambda: ConvolutionalEncoder.Config(widths=(32, 64, 64))
        )
        """Net from image to a number for each class, one of `distaff list nets`."""
        weight: float = 10.0
        """Weight of the mean cross-entropy of known classes, beside the bound of an image; 0.1 in
        the paper, whose alpha is a tenth of the number of images, beside a sum over them."""

        def __post_init__(self) -> None:
            """Refuses a negative weight."""
            super().__post_init__()
            check_kind(self.classifier, EncoderConfig, "classifier")
            if not 0 <= self.weight < math.inf:
                raise ValueError(f"weight is {self.weight}; it must not be negative")

    config: Config

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.classifier = config.classifier.build(spec.image_shape, self.context_size)

    @property
    def players(self) -> Mapping[str, Player]:
        """One player, which trains all three nets."""
        modules = ("encoder", "decoder", "classifier")
        return {"vae": Player(self.vae_terms, self.objective, modules)}

    @takes_pictures
    def probabilities(self, images: Images) -> Float[Tensor, "batch value"]:
        """Returns q(y|x) of each class: a tensor of tensors, else an array.

        Args:
            images: pictures as `prepare` takes them.

        Raises:
            UsageError, DataError: as in `prepare`.
        """
        shares: Tensor = unrounded(self.classifier(images)).softmax(dim=1)
        return shares

    @override
    def sample_noise(self, batch_size: int, generator: torch.Generator) -> Noise:
        shape = (batch_size, self.context_size, self.config.latents)
        return torch.randn(shape, generator=generator, device=generator.device)

    @override
    def vae_terms(self, batch: Batch, noise: Noise) -> LossTerms:
        """Returns `reconstruction`, `kl` of latents and class, and `cross_entropy`, in nats.

        Args:
            batch: images, and their factors, -1 where unknown.
            noise: standard normal, [batch, class, latent].
        """
        count, classes = len(batch.images), self.context_size
        known = self.context_from(batch.factors)
        labelled = known.sum(dim=1)
        log_guess = unrounded(self.classifier(batch.images)).log_softmax(dim=1)
        # a known class takes the place of the guess, which then has no entropy
        share = torch.where(labelled[:, None] > 0, known, log_guess.exp())
        images = batch.images.repeat_interleave(classes, dim=0)
        context = one_hot(torch.arange(classes, device=images.device), classes).repeat(count, 1)
        posterior = self.posterior(images, context)
        latents = posterior.sample(noise.flatten(0, 1))
        nats = -self.log_likelihood(images, latents, context).flatten(1).sum(dim=1)
        kl = posterior.kl_to_standard_normal().sum(dim=1)
        unknown = (1 - labelled) * (log_guess.exp() * log_guess).sum(dim=1)
        charge = -(known * log_guess).sum() / labelled.sum().clamp(min=1)
        return {
            "reconstruction": (share * nats.view(count, classes)).sum(dim=1).mean(),
            # with KL(q(y|x) || p(y)), which for a known class is -log p(y)
            "kl": (share * kl.view(count, classes)).sum(dim=1).mean()
            + unknown.mean()
            + math.log(classes),
            "cross_entropy": charge,
        }

    @override
    def settings(self, step: int) -> Settings:
        return {"weight": self.config.weight}

    @staticmethod
    @override
    def objective(terms: LossTerms, settings: Settings) -> Tensor:
        charge = settings["weight"] * terms["cross_entropy"]
        return terms["reconstruction"] + terms["kl"] + charge
