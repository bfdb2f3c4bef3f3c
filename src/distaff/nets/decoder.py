"""What decoders share."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from distaff.registry import Config, Configured
from distaff.types import ImageShape


@dataclass(frozen=True, kw_only=True)
class DecoderConfig(Config):
    """Settings of a decoder."""

    def build(self, latents: int, output_shape: ImageShape) -> "Decoder":
        """Returns the decoder, with initial parameters from the global generator.

        Args:
            latents: numbers in a row of its input.
            output_shape: channels, height and width of what it puts out.
        """
        decoder: Decoder = self.owner(self, latents, output_shape)
        return decoder


class Decoder(nn.Module, Configured):
    """Net from latents, [batch, latent], to [batch, channel, height, width]."""

    Config: ClassVar[type[DecoderConfig]]
