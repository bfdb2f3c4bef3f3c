"""The variational autoencoder."""

from dataclasses import dataclass

from torch import Tensor

from distaff.models.elbo import AbstractVAE
from distaff.types import LossTerms, Settings


class VAE(AbstractVAE):
    """Autoencoder trained on the evidence lower bound.

    Minimises  E_q[-log p(x|z)] + KL(q(z|x) || p(z)),  in nats per image.

    Reference: Kingma & Welling 2014, "Auto-encoding variational Bayes", equation 3.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(AbstractVAE.Config):
        """Settings of the variational autoencoder."""

    def settings(self, step: int) -> Settings:  # noqa: ARG002, D102
        return {}

    @staticmethod
    def objective(terms: LossTerms, settings: Settings) -> Tensor:  # noqa: ARG004, D102
        return terms["reconstruction"] + terms["kl"]
