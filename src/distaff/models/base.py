"""What every model offers: who is trained on what, and how that is weighed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from distaff.gaussian import DiagonalGaussian
from distaff.types import Batch, DataSpec, Images, Latents, LossTerms, Noise, Settings


class Player(NamedTuple):
    """One side of a training: what its loss is made of, and the modules that loss trains."""

    terms: Callable[[Batch, Noise], LossTerms]
    modules: tuple[str, ...]


class Model(nn.Module, ABC):
    """A generative model of images with latent variables.

    A training step is a pure function: all its randomness comes in as `noise`. Terms are plain
    nats per image, averaged over the batch; `objective` weighs them by `settings`, so that curves
    compare across weights and image sizes.
    """

    Config: ClassVar[type]

    def __init__(self, config: Any, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.spec = spec

    @property
    @abstractmethod
    def players(self) -> Mapping[str, Player]:
        """Who is trained on what; most models have the one player `vae`."""

    @abstractmethod
    def encode(self, images: Images) -> DiagonalGaussian:
        """Returns the posterior q(z|x) of each image."""

    @abstractmethod
    def decode(self, latents: Latents) -> Images:
        """Returns the mean image p(x|z) of each row of latents."""

    @abstractmethod
    def sample_noise(self, batch_size: int, generator: torch.Generator) -> Noise:
        """Draws all randomness of a step, on the generator's device."""

    @abstractmethod
    def settings(self, step: int) -> Settings:
        """Returns what weighs the terms at this step."""

    @staticmethod
    @abstractmethod
    def objective(terms: LossTerms, settings: Settings) -> Tensor:
        """Returns the loss to be minimised, the paper's formula."""

    def loss_terms(self, batch: Batch, noise: Noise, player: str) -> LossTerms:
        """Returns the named, unweighted terms of a player's loss, in nats per image."""
        return self.players[player].terms(batch, noise)

    def derived_settings(self) -> dict[str, float]:
        """Returns settings that follow from the config and the data, for people to read."""
        return {}

    def sample(self, count: int, *, seed: int = 0) -> Images:
        """Returns mean images of `count` latents drawn from the prior, on the CPU's generator."""
        generator = torch.Generator().manual_seed(seed)
        latents = torch.randn(count, self.config.latents, generator=generator)
        with torch.no_grad():
            return self.decode(latents.to(self.device))

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device


def takes_arrays(method: Callable[..., Any]) -> Callable[..., Any]:
    """Lets a method of tensors take and return NumPy arrays too.

    Tensors pass through as they are, gradients included. Where the first argument is an array, it
    is moved to the model's device as float32, no gradient is kept, and arrays come back.
    """

    @wraps(method)
    def accepting(self: Model, first: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(first, np.ndarray):
            return method(self, first, *args, **kwargs)
        with torch.no_grad():
            tensor = torch.as_tensor(first, dtype=torch.float32, device=self.device)
            return _to_arrays(method(self, tensor, *args, **kwargs))

    return accepting


def _to_arrays(result: Any) -> Any:
    if isinstance(result, Tensor):
        return result.float().cpu().numpy()
    return type(result)(*(_to_arrays(part) for part in result))
