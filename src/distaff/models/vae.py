"""The variational autoencoder."""

from dataclasses import dataclass

from distaff.models.elbo import AbstractVAE


class VAE(AbstractVAE):
    """Autoencoder trained on the evidence lower bound.

    Minimises  E_q[-log p(x|z)] + KL(q(z|x) || p(z)),  in nats per image.

    Reference: Kingma & Welling 2014, "Auto-encoding variational Bayes", equation 3.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(AbstractVAE.Config):
        """Settings of the variational autoencoder."""
