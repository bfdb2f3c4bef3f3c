"""The base of encoders, and where the context enters."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from distaff.registry import Config, Configured
from distaff.types import Context, Images, ImageShape


@dataclass(frozen=True, kw_only=True)
class EncoderConfig(Config):
    """Settings of an encoder."""

    def build(self, image_shape: ImageShape, outputs: int, context: int = 0) -> "Encoder":
        """Returns the encoder, with initial parameters from the global generator.

        Args:
            image_shape: channels, height and width of an image.
            outputs: numbers it puts out for an image.
            context: numbers in a row of context; 0 for none.
        """
        # an encoder that knows no context need not take its size
        sizes = (context,) if context else ()
        encoder: Encoder = self.owner(self, image_shape, outputs, *sizes)
        return encoder


class Encoder(nn.Sequential, Configured):
    """Layers from an image to some numbers, with one `Flatten` among them.

    A context is joined to the flattened image, or to the flattened features of convolutions. There
    it is a bias for each value of the context, as it would be in planes beside the image, but
    costs nothing: ten planes beside one grey channel would make the first convolution eleven times
    as dear.
    """

    Config: ClassVar[type[EncoderConfig]]

    def check_trainable(self) -> None:
        """Refuses images that are too large for the net to be trained on them.

        Raises:
            UsageError: what is wrong, and what to do.
        """

    def forward(
        self, images: Images, context: Context | None = None
    ) -> Float[Tensor, "batch output"]:
        """Returns [batch, output]; `context` is what the net was built for, or None."""
        values: Tensor = images
        for layer in self:
            values = layer(values)
            if isinstance(layer, nn.Flatten) and context is not None:
                values = torch.cat([values, context], dim=1)
        return values
