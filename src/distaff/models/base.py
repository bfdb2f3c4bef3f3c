"""What every model offers: its players, the terms and the objective of each."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from distaff.data.factor_dataset import FactorDataset
from distaff.data.pictures import Resize
from distaff.models.pictures import Pictures, as_images
from distaff.registry import Config, Configured
from distaff.types import Batch, DataSpec, Images, LossTerms, Noise, Settings


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
        """What happens to pictures of another size; the model of a run knows what the run did."""

    @property
    @abstractmethod
    def players(self) -> Mapping[str, Player]:
        """The players, in the order of a step; most models have the one player `vae`.

        Validation, patience and the best parameters go by the objective of the first.
        """

    def begin(self, images: FactorDataset, *, seed: int) -> None:
        """Sets initial parameters from the training images, before the first step.

        By default they stay as they were drawn. A training that is resumed does not begin again.

        Args:
            images: the training images, with the labels that the model may see.
            seed: decides all that is drawn.

        Raises:
            UsageError: the images are not of the kind that the model is for.
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
