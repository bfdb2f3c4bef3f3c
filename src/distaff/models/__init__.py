"""Models, by name, and the one function that builds them."""

import torch

from distaff.errors import UsageError, first_line
from distaff.models.annealed_vae import AnnealedVAE
from distaff.models.base import Adam, Model, ModelConfig, Player
from distaff.models.beta_vae import BetaVAE
from distaff.models.classifier import Classifier
from distaff.models.conditional_vae import ConditionalVAE
from distaff.models.elbo import AbstractVAE
from distaff.models.factor_vae import FactorVAE
from distaff.models.generative import GenerativeModel
from distaff.models.iwae import IWAE
from distaff.models.modular_renderer import ModularRenderer
from distaff.models.partitioned_renderer import PartitionedRenderer
from distaff.models.partitioned_vae import PartitionedVAE
from distaff.models.parts import Partitioned
from distaff.models.semi_supervised_vae import SemiSupervisedVAE
from distaff.models.vae import VAE
from distaff.registry import Registry
from distaff.types import DataSpec

MODELS: Registry[type[Model]] = Registry(
    "distaff.models",
    "model",
    {
        "vae": VAE,
        "beta-vae": BetaVAE,
        "annealed-vae": AnnealedVAE,
        "iwae": IWAE,
        "factor-vae": FactorVAE,
        "conditional-vae": ConditionalVAE,
        "semi-supervised-vae": SemiSupervisedVAE,
        "classifier": Classifier,
        "modular-renderer": ModularRenderer,
        "partitioned-vae": PartitionedVAE,
        "partitioned-renderer": PartitionedRenderer,
    },
    config=ModelConfig,
)
register = MODELS.register

MOST_PARAMETERS = 250_000_000
"""Several times those of the largest published autoencoders; with Adam's state they take 16 GB."""

__all__ = [
    "IWAE",
    "MODELS",
    "MOST_PARAMETERS",
    "VAE",
    "AbstractVAE",
    "Adam",
    "AnnealedVAE",
    "BetaVAE",
    "Classifier",
    "ConditionalVAE",
    "FactorVAE",
    "GenerativeModel",
    "Model",
    "ModelConfig",
    "ModularRenderer",
    "Partitioned",
    "PartitionedRenderer",
    "PartitionedVAE",
    "Player",
    "SemiSupervisedVAE",
    "build",
    "parameter_shapes",
    "register",
]


def parameter_shapes(
    config: ModelConfig, spec: DataSpec
) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Returns shape and type of every parameter of a model, without memory for any of them.

    Raises:
        UsageError: there is no such model, for example since a layer has more than 2^63 weights,
            or it would have more than MOST_PARAMETERS.
    """
    try:
        with torch.device("meta"):
            parameters = config.build(spec).state_dict()
    except (RuntimeError, TypeError, OverflowError) as error:
        raise UsageError(f"this model cannot be built: {first_line(error)}.") from error
    count = sum(value.numel() for value in parameters.values())
    if count > MOST_PARAMETERS:
        raise UsageError(
            f"the model has {count:,} parameters, and at most {MOST_PARAMETERS:,} are built; "
            f"take fewer latents, narrower nets or smaller images."
        )
    return {name: (tuple(value.shape), value.dtype) for name, value in parameters.items()}


def build(config: ModelConfig, spec: DataSpec, *, seed: int) -> Model:
    """Builds the model of a config with initial parameters that the seed decides.

    Args:
        config: the nested `Config` of one of `MODELS`.
        spec: what the model must know of the data.
        seed: of the initial parameters; the global generator is left as it was.

    Raises:
        UsageError: as in `parameter_shapes`.
    """
    parameter_shapes(config, spec)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return config.build(spec)
