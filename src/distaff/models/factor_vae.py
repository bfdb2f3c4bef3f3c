"""The VAE whose total correlation a discriminator estimates."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from distaff.models.base import Adam, Player
from distaff.models.elbo import AbstractVAE
from distaff.nets.discriminator import Discriminator
from distaff.probability.gaussian import DiagonalGaussian
from distaff.types import Batch, DataSpec, Latents, LossTerms, Noise, Settings

MOST_LAYERS, MOST_UNITS = 100, 100_000


class FactorVAE(AbstractVAE):
    """VAE with a penalty on the total correlation of its codes.

    Encoder and decoder minimise

        E_q[-log p(x|z)] + KL(q(z|x) || p(z)) + gamma KL(q(z) || prod_j q(z_j)),

    in nats per image. The last term is the mean over the batch of log D(z) / (1 - D(z)), with a
    discriminator D that is trained to tell codes from codes whose latents are each permuted over a
    batch, and that minimises its cross-entropy. As in algorithm 2 of the paper, the permuted codes
    come from images of their own.

    The paper encodes the first batch once; here the discriminator sees its codes after the update
    of the encoder. Published re-implementations have five or six hidden layers, and some take
    both kinds of codes from one batch.

    Reference: Kim, Mnih 2018, "Disentangling by factorising", arXiv:1802.05983, equation 2,
    algorithm 2 and appendix A.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(AbstractVAE.Config):
        """Settings of the FactorVAE."""

        gamma: float = 10.0
        """Weight of the total correlation; from 10 to 100 in common comparisons."""
        discriminator_layers: int = 6
        """Hidden layers of the discriminator; 6 in the paper."""
        discriminator_units: int = 1000
        """Units of each; 1000 in the paper."""
        discriminator_learning_rate: float = 1e-4
        """Step size of the discriminator's Adam; 1e-4 in the paper for 2D shapes, 1e-5 for
        chairs and faces. Its betas are 0.5 and 0.9."""

        def __post_init__(self) -> None:
            """Refuses a negative weight and a discriminator that is none."""
            super().__post_init__()
            for name, low, high in (
                ("gamma", 0, float("inf")),
                ("discriminator_layers", 1, MOST_LAYERS),
                ("discriminator_units", 1, MOST_UNITS),
                ("discriminator_learning_rate", 1e-12, 1.0),
            ):
                if not low <= getattr(self, name) <= high:
                    given = getattr(self, name)
                    raise ValueError(f"{name} is {given}; it must be from {low} to {high}")

    config: Config

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.discriminator = Discriminator(
            config.latents, config.discriminator_units, config.discriminator_layers
        )

    @property
    def players(self) -> Mapping[str, Player]:
        """The VAE, and the discriminator of its codes."""
        return {
            **super().players,
            "discriminator": Player(
                self.discriminator_terms,
                lambda terms, _: terms["discriminator"],
                ("discriminator",),
                Adam(self.config.discriminator_learning_rate, betas=(0.5, 0.9)),
                self.discriminator_noise,
                own_batch=True,
            ),
        }

    def more_terms(
        self,
        batch: Batch,  # noqa: ARG002
        posterior: DiagonalGaussian,  # noqa: ARG002
        latents: Latents,
        log_likelihood: Float[Tensor, " row"],  # noqa: ARG002
    ) -> LossTerms:
        """Returns `total_correlation`, as the discriminator estimates it."""
        frozen = {name: p.detach() for name, p in self.discriminator.named_parameters()}
        logits = functional_call(self.discriminator, frozen, (latents,))
        return {"total_correlation": (logits[:, 0] - logits[:, 1]).mean()}

    def settings(self, step: int) -> Settings:  # noqa: ARG002
        """Returns gamma."""
        return {"gamma": self.config.gamma}

    @staticmethod
    def objective(terms: LossTerms, settings: Settings) -> Tensor:
        """Returns the negative bound and the weighted total correlation."""
        charge = settings["gamma"] * terms["total_correlation"]
        return terms["reconstruction"] + terms["kl"] + charge

    def discriminator_noise(self, count: int, generator: torch.Generator) -> Noise:
        """Draws standard normal noise, [image, 2, latent]: of the codes, and for their order."""
        shape = (count, 2, self.config.latents)
        return torch.randn(shape, generator=generator, device=generator.device)

    def discriminator_terms(self, batch: Batch, noise: Noise) -> LossTerms:
        """Returns `discriminator`, the cross-entropy of telling codes from permuted ones.

        Args:
            batch: two batches of equal size, one after the other; the codes of the second one are
                permuted.
            noise: as `discriminator_noise` draws it.
        """
        with torch.no_grad():
            codes = self.posterior(batch.images).sample(noise[:, 0])
        joint, other = codes.chunk(2)
        product = permuted(other, noise[len(joint) :, 1])
        logits = self.discriminator(torch.cat([joint, product]))
        truth = torch.arange(2, device=codes.device).repeat_interleave(len(joint))
        return {"discriminator": functional.cross_entropy(logits.float(), truth)}


def permuted(codes: Latents, noise: Latents) -> Latents:
    """Returns codes with each latent permuted over the batch, independently of the others.

    Args:
        codes: [batch, latent].
        noise: continuous and independent, [batch, latent]; its order decides the permutations.
    """
    return codes.gather(0, noise.argsort(dim=0))
