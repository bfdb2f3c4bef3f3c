"""Models, by name, and the one function that builds them."""

from typing import Any

import torch

from distaff.models.annealed_vae import AnnealedVAE
from distaff.models.base import GenerativeModel, Model, Player
from distaff.models.beta_vae import BetaVAE
from distaff.models.classifier import Classifier
from distaff.models.conditional_vae import ConditionalVAE
from distaff.models.elbo import AbstractVAE
from distaff.models.iwae import IWAE
from distaff.models.vae import VAE
from distaff.registry import kind_of
from distaff.types import DataSpec

MODELS: dict[str, type[Model]] = {
    "vae": VAE,
    "beta-vae": BetaVAE,
    "annealed-vae": AnnealedVAE,
    "iwae": IWAE,
    "conditional-vae": ConditionalVAE,
    "classifier": Classifier,
}

__all__ = [
    "IWAE",
    "MODELS",
    "VAE",
    "AbstractVAE",
    "AnnealedVAE",
    "BetaVAE",
    "Classifier",
    "ConditionalVAE",
    "GenerativeModel",
    "Model",
    "Player",
    "build",
]


def build(config: Any, spec: DataSpec, *, seed: int) -> Model:
    """Builds the model of a config with initial parameters that the seed decides.

    Args:
        config: the nested `Config` of one of `MODELS`.
        spec: what the model must know of the data.
        seed: of the initial parameters; the global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODELS[kind_of(config, MODELS)](config, spec)
