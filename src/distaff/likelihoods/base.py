"""What a likelihood of pixels must offer."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch

from distaff.types import Images, Outputs


class Likelihood(ABC):
    """log p(x|z) of each pixel in nats, with all constants, from what the decoder puts out.

    Per pixel, so that a partly observed image is a mask, and with constants, so that numbers
    compare across likelihoods.
    """

    Config: ClassVar[type]
    outputs_per_channel: ClassVar[int]
    """Decoder channels for each image channel."""

    def __init__(self, config: Any) -> None:
        self.config = config

    @abstractmethod
    def log_prob(self, images: Images, outputs: Outputs) -> Images:
        """Returns the log likelihood of each pixel.

        Args:
            images: pixels in [0, 1], [batch, channel, height, width].
            outputs: the decoder's, [batch, channel * outputs_per_channel, height, width].

        Returns:
            [batch, channel, height, width], in nats.
        """

    @abstractmethod
    def mean(self, outputs: Outputs) -> Images:
        """Returns the mean image, [batch, channel, height, width]."""

    @abstractmethod
    def sample(self, outputs: Outputs, generator: torch.Generator) -> Images:
        """Returns an image drawn from the likelihood; `generator` lives on the outputs' device."""
