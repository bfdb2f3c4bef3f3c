"""What every model offers: who is trained on what, how that is weighed, and what it makes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from distaff.data.pictures import Resize
from distaff.models.pictures import Pictures, as_images
from distaff.probability.gaussian import DiagonalGaussian
from distaff.registry import Config, Configured
from distaff.types import Batch, Context, DataSpec, Images, Latents, LossTerms, Noise, Settings

MOST_LATENTS = 100_000


class Adam(NamedTuple):
    """The optimiser of a player (Kingma & Ba 2015, "Adam")."""

    learning_rate: float
    """Step size before any schedule."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the mean of the gradients and of their squares."""


class Player(NamedTuple):
    """One side of a training: what it minimises, and the modules that it trains."""

    terms: Callable[[Batch, Noise], LossTerms]
    """Named, unweighted terms of its loss. No two players of a model share a name."""
    objective: Callable[[LossTerms, Settings], Tensor]
    """What it minimises, the paper's formula of its own terms."""
    modules: tuple[str, ...]
    """Attributes of the model whose parameters it trains."""
    optimizer: Adam | None = None
    """None for Adam with the learning rate of the training."""
    noise: Callable[[int, torch.Generator], Noise] | None = None
    """Draws the randomness of a step for so many images; None for the model's `sample_noise`."""
    own_batch: bool = False
    """Whether the images of the step are followed by as many that no other player sees."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Config):
    """Settings of a model."""

    def build(self, spec: DataSpec) -> "Model":
        """Returns the model, with initial parameters from the global generator."""
        model: Model = self.owner(self, spec)
        return model


class Model(nn.Module, Configured, ABC):
    """What can be trained.

    A training step is a pure function: all its randomness comes in as `noise`. Terms are plain
    nats per image, averaged over the batch; `objective` weighs them by `settings`, so that curves
    compare across weights and image sizes.
    """

    Config: ClassVar[type[ModelConfig]]
    supervised: ClassVar[bool] = False
    """Whether it is shown the factors of every training image."""

    def __init__(self, config: ModelConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.spec = spec
        self.resize: Resize = "refuse"
        """What becomes of pictures of another size; the model of a run knows what the run did."""

    @property
    @abstractmethod
    def players(self) -> Mapping[str, Player]:
        """Who is trained on what, in the order of a step; most models have the one player `vae`.

        Validation, patience and the best parameters go by the objective of the first.
        """

    @abstractmethod
    def sample_noise(self, batch_size: int, generator: torch.Generator) -> Noise:
        """Draws all randomness of a step, on the generator's device."""

    def noise_of(self, player: str, images: int, generator: torch.Generator) -> Noise:
        """Draws all randomness of a player's step, on the generator's device."""
        return (self.players[player].noise or self.sample_noise)(images, generator)

    def settings(self, step: int) -> Settings:  # noqa: ARG002
        """Returns what weighs the terms at this step; by default nothing does."""
        return {}

    def loss_terms(self, batch: Batch, noise: Noise, player: str) -> LossTerms:
        """Returns the named, unweighted terms of a player's loss, in nats per image.

        Factors of rows that are not labelled reach the player as -1, whatever the batch holds.
        """
        seen = batch.factors.where(batch.labelled[:, None], -1)
        return self.players[player].terms(batch._replace(factors=seen), noise)

    def schedules(self) -> dict[str, int]:
        """Returns the settings that are a number of steps over which weights change, by name."""
        return {}

    def derived_settings(self) -> dict[str, float]:
        """Returns settings that follow from the config and the data, for people to read."""
        return {}

    def prepare(self, pictures: Pictures) -> Images:
        """Returns pictures, however they were read, as the images that the model was trained on.

        Args:
            pictures: one or many. Paths, and pictures of Pillow, are cut and resized as the run did
                it with its own. Arrays and tensors have the size of the model's images, with
                channels first, last or, of grey ones, left out; they are uint8 from 0 to 255, bool,
                or floating point in [0, 1].

        Returns:
            [batch, channel, height, width] in [0, 1], on the model's device and of the type of its
            parameters; gradients flow back into tensors.

        Raises:
            UsageError: another shape, type or range; whole numbers other than uint8 are refused,
                since they can mean levels or black and white.
            DataError: a picture that cannot be read, or is of a size that the run refuses.
        """
        images = as_images(pictures, self.spec.image_shape, self.resize)
        return images.to(self.device, next(self.parameters()).dtype)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device


def takes_arrays(method: Callable[..., Any]) -> Callable[..., Any]:
    """Lets a method of tensors take and return NumPy arrays too.

    Tensors pass through as they are, gradients included; arrays are moved to the model's device
    as float32. Where the first argument is an array, no gradient is kept, and arrays come back.
    """
    return _accepting(method, lambda model, value: _to_tensor(value, model.device))


def takes_pictures(method: Callable[..., Any]) -> Callable[..., Any]:
    """Lets a method of images take whatever `prepare` takes; the rest as in `takes_arrays`.

    Of tensors come tensors, with their gradients; of anything else come arrays.
    """
    return _accepting(method, lambda model, value: model.prepare(value))


def _accepting(
    method: Callable[..., Any], convert: Callable[["Model", Any], Any]
) -> Callable[..., Any]:
    @wraps(method)
    def accepting(self: Model, first: Any, *others: Any, **named: Any) -> Any:
        rest = [_to_tensor(value, self.device) for value in others]
        by_name = {name: _to_tensor(value, self.device) for name, value in named.items()}
        given = convert(self, first)
        if given is first or isinstance(first, Tensor):
            return method(self, given, *rest, **by_name)
        with torch.no_grad():
            return _to_arrays(method(self, given, *rest, **by_name))

    return accepting


def _to_tensor(value: Any, device: torch.device) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return torch.as_tensor(value, dtype=torch.float32, device=device)


def _to_arrays(result: Any) -> Any:
    if isinstance(result, Tensor):
        return result.float().cpu().numpy()
    return type(result)(*(_to_arrays(part) for part in result))


class GenerativeModel(Model):
    """A generative model of images with latent variables, conditional on a context or not."""

    @dataclass(frozen=True, kw_only=True)
    class Config(ModelConfig):
        """Settings that every generative model has."""

        latents: int = 10
        """Number of latent variables."""

        def __post_init__(self) -> None:
            """Refuses a model without latents, or with more than pictures have pixels."""
            if not 1 <= self.latents <= MOST_LATENTS:
                raise ValueError(f"latents is {self.latents}; it must be from 1 to {MOST_LATENTS}")

    config: Config

    @abstractmethod
    def encode(self, images: Images, context: Context | None = None) -> DiagonalGaussian:
        """Returns the posterior q(z|x) of each picture that `prepare` takes, or q(z|x,c)."""

    @abstractmethod
    def decode(self, latents: Latents, context: Context | None = None) -> Images:
        """Returns the mean image p(x|z) of each row of latents, or p(x|z,c)."""

    @takes_arrays
    def sample(self, count: int, *, seed: int = 0, context: Context | None = None) -> Images:
        """Returns mean images of latents drawn from the prior, on the CPU's generator.

        Args:
            count: number of images.
            seed: decides the latents.
            context: [count, context], of a conditional model; a tensor or an array.

        Returns:
            [count, channel, height, width], a tensor.
        """
        generator = torch.Generator().manual_seed(seed)
        latents = torch.randn(count, self.config.latents, generator=generator)
        with torch.no_grad():
            return self.decode(latents.to(self.device), context)
