r"""The interface of a likelihood of pixels.

Two numbers in nats answer two questions.

`log_prob` is what a model trains on: log p(x|z) with all constants. It is the log of a density for
a Gaussian, a Beta and a continuous Bernoulli, of a probability of the pixel's bin for a categorical
and of the pixel's grey level for a discretised logistic, and a negative cross-entropy for a
Bernoulli of grey pixels. Compare it between models of one likelihood with the same settings only:
a density of 3 and a probability of 0.3 have no common unit.

`log_prob_of_levels` is what to compare across likelihoods: always the log probability of one of
the 256 levels of a stored pixel, so that over the levels it sums to 1. Bits per dimension are
-sum(log_prob_of_levels) / (D ln 2) for the D values of an image; 8 is what a uniform guess costs.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from distaff.registry import Config, Configured
from distaff.types import Images, Outputs


@dataclass(frozen=True, kw_only=True)
class LikelihoodConfig(Config):
    """Settings of a likelihood."""

    def build(self) -> "Likelihood":
        """Returns the likelihood."""
        likelihood: Likelihood = self.owner(self)
        return likelihood


class Likelihood(Configured, ABC):
    """log p(x|z) of each pixel in nats, with all constants, from what the decoder puts out.

    Per pixel, so that a partly observed image is a mask. Where a pixel takes several numbers, the
    first of all channels come first, then the second of all channels, and so on.
    """

    Config: ClassVar[type[LikelihoodConfig]]
    outputs_per_channel: int
    """Decoder channels for each image channel; may depend on the settings."""

    def __init__(self, config: LikelihoodConfig) -> None:
        self.config = config

    @abstractmethod
    def log_prob(self, images: Images, outputs: Outputs) -> Images:
        """Returns the log likelihood of each pixel.

        Args:
            images: pixels in [0, 1], [batch, channel, height, width].
            outputs: the decoder's, [batch, outputs_per_channel * channel, height, width].

        Returns:
            [batch, channel, height, width], in nats; a density or a probability, see above.
        """

    @abstractmethod
    def log_prob_of_levels(self, images: Images, outputs: Outputs) -> Images:
        """Returns the log probability of the grey level of each pixel, of 256.

        Args:
            images: levels divided by 255, shape as in `log_prob`; others count as the nearest.
            outputs: as in `log_prob`.

        Returns:
            [batch, channel, height, width], in nats, at most 0 but for rounding.
        """

    @abstractmethod
    def mean(self, outputs: Outputs) -> Images:
        """Returns the mean image, [batch, channel, height, width]."""

    @abstractmethod
    def sample(self, outputs: Outputs, generator: torch.Generator) -> Images:
        """Returns pixels as the likelihood gives them, [batch, channel, height, width].

        A Gaussian's may leave [0, 1]; nothing clips them. `generator` lives on the outputs' device.
        """


def uniform_like(array: Tensor, generator: torch.Generator) -> Tensor:
    """Returns numbers of the uniform distribution on [0, 1)."""
    return torch.rand(array.shape, generator=generator, dtype=array.dtype, device=array.device)


def normal_like(array: Tensor, generator: torch.Generator) -> Tensor:
    """Returns numbers of the standard normal distribution."""
    return torch.randn(array.shape, generator=generator, dtype=array.dtype, device=array.device)
