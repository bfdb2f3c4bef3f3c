"""The VAE with a heavier KL term."""

from dataclasses import dataclass
from math import prod

from torch import Tensor
from typing_extensions import override

from distaff.models.elbo import AbstractVAE
from distaff.types import LossTerms, Settings


class BetaVAE(AbstractVAE):
    """VAE whose KL term weighs beta times as much, which favours factorised latents.

    Minimises  E_q[-log p(x|z)] + beta KL(q(z|x) || p(z)),  in nats per image. Both terms are sums
    over pixels and latents, so beta means the same whatever the size of the image. Averaging
    them over N pixel values and M latents instead gives the normalised weight
    beta_norm = beta M / N.

    Reference: Higgins et al. 2017, "beta-VAE", equation 4 and appendix A.6.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(AbstractVAE.Config):
        """Settings of the beta-VAE; give `beta` or `normalized_beta`."""

        beta: float | None = None
        """Weight of the KL term; 1 gives the VAE. 4, the paper's value for 2D shapes, where
        neither weight is given."""
        normalized_beta: float | None = None
        """beta times latents over pixel values (appendix A.6)."""

        def __post_init__(self) -> None:
            """Refuses two weights, or a negative one."""
            super().__post_init__()
            if self.beta is not None and self.normalized_beta is not None:
                raise ValueError(
                    f"beta is {self.beta} and normalized_beta is {self.normalized_beta}; "
                    f"give only one of them"
                )
            for name in ("beta", "normalized_beta"):
                value = getattr(self, name)
                if value is not None and value < 0:
                    raise ValueError(f"{name} is {value}; it must not be negative")

    config: Config

    @property
    def _beta_per_normalized(self) -> float:
        return prod(self.spec.image_shape) / self.config.latents

    @property
    def _beta(self) -> float:
        if self.config.normalized_beta is not None:
            return self.config.normalized_beta * self._beta_per_normalized
        return 4.0 if self.config.beta is None else self.config.beta

    @override
    def settings(self, step: int) -> Settings:
        return {"beta": self._beta}

    def derived_settings(self) -> dict[str, float]:
        """Returns beta and normalised beta, whichever was given."""
        return {"beta": self._beta, "normalized_beta": self._beta / self._beta_per_normalized}

    @staticmethod
    @override
    def objective(terms: LossTerms, settings: Settings) -> Tensor:
        return terms["reconstruction"] + settings["beta"] * terms["kl"]
