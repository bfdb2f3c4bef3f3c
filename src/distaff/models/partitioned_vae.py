"""The VAE whose latents are split into parts, one for each factor, learnt from some labels."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.errors import UsageError
from distaff.models.elbo import AbstractVAE
from distaff.models.parts import STD, WIDTH, Partitioned, Parts, Probabilities
from distaff.nets import unrounded
from distaff.probability.gaussian import DiagonalGaussian
from distaff.types import (
    Batch,
    Context,
    DataSpec,
    Images,
    Latents,
    LossTerms,
    Noise,
    Settings,
)


class PartitionedVAE(Partitioned, AbstractVAE):
    """VAE with four latents for each factor, and others that are free.

    The encoder says how likely each value of each factor is, q(y_j|x); part j of the latents is the
    mean place of its values on an arc (`Parts`), with a little noise. Labelled and unlabelled
    images come in one batch. The model minimises

        E_q[-log p(x|z)] + sum_j KL(q(y_j|x) || uniform) + KL(q(r|x) || N(0, I))
            + weight sum_j E[-log q(y_j|x)],

    where r are the free latents and the last term is the mean over images whose value of factor j
    is known; those are decoded from their true values. Each cross-entropy bounds the mutual
    information of a factor and its part from below: I(y_j; p_j) >= H(y_j) + E[log q(y_j|x)]. A
    factor may be known for some images only, and each for others.

    Reference: "Rendering images with latent semi-supervision", assignment of the course CS 699 of
    the University of Southern California, task 2; Barber & Agakov 2003, "The IM algorithm", for the
    bound; Kingma, Rezende, Mohamed, Welling 2014, "Semi-supervised learning with deep generative
    models", for labels in a VAE.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(AbstractVAE.Config):
        """Settings of the partitioned VAE.

        The first latents are the parts, four for each factor that varies, in the order of the
        factors; the others are free.
        """

        circles: tuple[str, ...] = ()
        """Names of factors that come round again, as an orientation does."""
        weight: float = 30.0
        """Weight of the cross-entropy of known values."""

        def __post_init__(self) -> None:
            """Refuses a negative weight."""
            super().__post_init__()
            if not 0 <= self.weight < math.inf:
                raise ValueError(f"weight is {self.weight}; it must not be negative")

    config: Config
    supervised = True

    def __init__(self, config: Config, spec: DataSpec) -> None:
        parts = Parts(spec, config.circles)
        if config.latents < parts.latents:
            raise UsageError(
                f"latents is {config.latents}, and the {len(parts)} factors "
                f"{', '.join(part.name for part in parts)} take {parts.latents}; give as many or "
                f"more with --model.latents."
            )
        self._free = config.latents - parts.latents
        self._values = parts.values
        super().__init__(config, spec)
        self.parts = parts

    @property
    def encoder_outputs(self) -> int:
        """A number for each value of each factor, and two for each free latent."""
        return self._values + 2 * self._free

    def log_probabilities(self, images: Images) -> Probabilities:
        """Returns log q(y|x) of each value; as in `Partitioned.log_probabilities`."""
        return self._encoded(images)[0]

    def posterior(self, images: Images, context: Context | None = None) -> DiagonalGaussian:
        """Returns the latents of images, those of the parts at the likeliest values.

        Arguments as in `GenerativeModel.posterior`. The steps take the mean of all values instead,
        through which gradients flow.
        """
        self.check_context(context, len(images))
        log_shares, free = self._encoded(images)
        values = self.parts.likeliest(log_shares)
        return self._posterior(self.parts.places_of(values), free)

    def prior_sample(self, count: int, generator: torch.Generator) -> Latents:
        """Draws a value of each factor, all equally likely, and free latents from N(0, I)."""
        places = self.parts.places_of(self.parts.sample(count, generator))
        return torch.cat([places, torch.randn(count, self._free, generator=generator)], dim=1)

    def vae_terms(self, batch: Batch, noise: Noise) -> LossTerms:
        """Returns `reconstruction`, `kl` and `cross_entropy`, in nats per image."""
        log_shares, free = self._encoded(batch.images)
        values = self.parts.values_of(batch.factors)
        known = (values >= 0).repeat_interleave(WIDTH, dim=1)
        places = self.parts.places_of(values.clamp(min=0))
        mean = torch.where(known, places, self.parts.mean(log_shares.exp()))
        latents = self._posterior(mean, free).sample(noise)
        log_prob = self.log_likelihood(batch.images, latents).flatten(1).sum(dim=1)
        evenly = sum(math.log(part.size) for part in self.parts)
        kl = (log_shares.exp() * log_shares).sum(dim=1).mean() + evenly
        return {
            "reconstruction": -log_prob.mean(),
            "kl": kl + free.kl_to_standard_normal().sum(dim=1).mean(),
            "cross_entropy": self.parts.cross_entropy(log_shares, batch.factors),
        }

    def settings(self, step: int) -> Settings:  # noqa: ARG002
        """Returns the weight of the cross-entropy."""
        return {"weight": self.config.weight}

    @staticmethod
    def objective(terms: LossTerms, settings: Settings) -> Tensor:
        """Returns the negative bound and the weighted cross-entropy."""
        charge = settings["weight"] * terms["cross_entropy"]
        return terms["reconstruction"] + terms["kl"] + charge

    def _encoded(self, images: Images) -> tuple[Float[Tensor, "batch value"], DiagonalGaussian]:
        """Log-probabilities of all values, and the free latents."""
        outputs = unrounded(self.encoder(images))
        mean, log_std = outputs[:, self._values :].chunk(2, dim=1)
        return self.parts.log_probabilities(outputs), DiagonalGaussian(mean, log_std)

    def _posterior(self, mean: Latents, free: DiagonalGaussian) -> DiagonalGaussian:
        log_std = torch.full_like(mean, math.log(STD))
        return DiagonalGaussian(
            torch.cat([mean, free.mean], dim=1), torch.cat([log_std, free.log_std], dim=1)
        )
