"""The encoder that first finds the object, so that its convolutions need not learn every place."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.nets.convolutional import ConvolutionalEncoder
from distaff.nets.renderer.extractor import window
from distaff.nets.renderer.localizer import Located, localize
from distaff.types import Context, Images, ImageShape

PLACE_PERIODS = (1, 2, 4, 8, 16, 32, 64)
SIZE_PERIODS = (1, 4, 16, 64)
"""Pixels after which the waves that tell place and size begin again."""
FEATURES = 2 * (2 * len(PLACE_PERIODS) + len(SIZE_PERIODS))


class LocalizedEncoder(ConvolutionalEncoder):
    """A localizer, the square of whole pixels around the centroid, and convolutions on it.

    Place and size, which the square does not show, are given to the dense layers as cosines and
    sines of several periods: a place between 0 and 1 would have to be multiplied by thousands to
    tell one pixel from the next. It suits pictures of one object on black.

    Reference: "Rendering images with latent semi-supervision", assignment of the course CS 699 of
    the University of Southern California, task 3, for localizer and extractor; Vaswani et al. 2017,
    "Attention is all you need", section 3.5, for the waves.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(ConvolutionalEncoder.Config):
        """Layers of the encoder."""

        widths: tuple[int, ...] = (32, 64)
        """Channels of each convolution."""
        hidden: tuple[int, ...] = (512, 512)
        """Units of each dense layer between the convolutions and the latents."""
        side: int = 28
        """Pixels along the side of the square; it should hold the largest object."""

        def __post_init__(self) -> None:
            """Refuses a square that no convolution can halve, or of a huge size."""
            super().__post_init__()
            if not 4 <= self.side <= 1024:
                raise ValueError(f"side is {self.side}; it must be from 4 to 1024")

    def __init__(
        self, config: Config, image_shape: ImageShape, outputs: int, context: int = 0
    ) -> None:
        square = (image_shape[0], config.side, config.side)
        super().__init__(config, square, outputs, context + FEATURES)
        self.side = config.side

    def forward(
        self, images: Images, context: Context | None = None
    ) -> Float[Tensor, "batch output"]:
        """Returns [batch, output]; `context` is what the net was built for, or None."""
        found = localize(images)
        planes = [window(plane, found.x, found.y, self.side)[0] for plane in images.unbind(dim=1)]
        square = torch.stack(planes, dim=1).contiguous(memory_format=torch.channels_last)
        given = [_waves(found)] if context is None else [_waves(found), context]
        outputs: Tensor = super().forward(square, torch.cat(given, dim=1))
        return outputs


def _waves(found: Located) -> Float[Tensor, "batch feature"]:
    angles = [
        number[:, None] * (2 * math.pi / torch.tensor(periods, device=number.device))
        for number, periods in (
            (found.x, PLACE_PERIODS),
            (found.y, PLACE_PERIODS),
            (found.area.sqrt(), SIZE_PERIODS),
        )
    ]
    return torch.cat([wave for angle in angles for wave in (angle.cos(), angle.sin())], dim=1)
