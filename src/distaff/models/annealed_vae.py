"""The VAE whose capacity rises during training."""

from dataclasses import dataclass

from torch import Tensor
from typing_extensions import override

from distaff.models.elbo import AbstractVAE
from distaff.types import LossTerms, Settings


class AnnealedVAE(AbstractVAE):
    """VAE that holds its KL near a capacity C, which rises linearly during training.

    Minimises  E_q[-log p(x|z)] + gamma |KL(q(z|x) || p(z)) - C|,  in nats per image, with the KL
    averaged over the batch before the absolute value is taken. Latents come into use one after
    the other, each factor when the rising capacity makes it worth its nats.

    Reference: Burgess et al. 2018, "Understanding disentangling in beta-VAE", arXiv:1804.03599,
    equation 8.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(AbstractVAE.Config):
        """Settings of the annealed VAE."""

        gamma: float = 1000.0
        """Weight of the distance between KL and capacity; 1000 in the paper."""
        capacity: float = 25.0
        """Capacity at the end of its rise, in nats per image; 25 in the paper for dSprites."""
        annealing_steps: int = 100_000
        """Steps over which the capacity rises from 0; 100,000 in the paper. A training with fewer
        steps ends below the capacity, with a warning."""

        def __post_init__(self) -> None:
            """Refuses negative weights and an annealing without steps."""
            super().__post_init__()
            for name, low in (("gamma", 0), ("capacity", 0), ("annealing_steps", 1)):
                if getattr(self, name) < low:
                    raise ValueError(f"{name} is {getattr(self, name)}; it must be {low} or more")

    config: Config

    @override
    def settings(self, step: int) -> Settings:
        risen = min(1.0, step / self.config.annealing_steps)
        return {"gamma": self.config.gamma, "capacity": self.config.capacity * risen}

    def schedules(self) -> dict[str, int]:
        """Returns the steps over which the capacity rises."""
        return {"annealing_steps": self.config.annealing_steps}

    @staticmethod
    @override
    def objective(terms: LossTerms, settings: Settings) -> Tensor:
        return (
            terms["reconstruction"] + settings["gamma"] * (terms["kl"] - settings["capacity"]).abs()
        )
