"""The decoder of transposed convolutions that the spatial broadcast decoder is measured against."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod

from torch import nn

from distaff.nets.decoder import Decoder, DecoderConfig
from distaff.nets.halving import cutting_to, halved
from distaff.types import ImageShape

SMALLEST = 2
"""Height and width, in pixels, of the map that the dense layer gives for a 64 x 64 image."""


class DeconvolutionDecoder(nn.Sequential, Decoder):
    """One dense layer to a map of 2 x 2, then transposed convolutions that double it.

    Where the image cannot be halved down to 2 (see `nets/halving.py`), the first convolutions keep
    the size with 3 x 3 kernels. Weights start as PyTorch draws them, as in the re-implementation.

    Reference: Watters, Matthey, Burgess, Lerchner 2019, "Spatial Broadcast Decoder: A simple
    architecture for learning disentangled representations in VAEs", arXiv:1901.07017, appendix
    A.1, "DeConv".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(DecoderConfig):
        """Layers of the decoder."""

        widths: tuple[int, ...] = (64, 64, 64, 64, 64)
        """Channels before each transposed convolution, from the latents to the image."""

        def __post_init__(self) -> None:
            """Refuses an empty stack and layers without units."""
            if not self.widths or min(self.widths) < 1:
                raise ValueError(f"widths is {self.widths}; give at least one, each above 0")

    def __init__(self, config: Config, latents: int, output_shape: ImageShape) -> None:
        channels, height, width = output_shape
        sizes = halved((height, width), len(config.widths), SMALLEST)
        small = (config.widths[0], *sizes[-1])
        layers: list[nn.Module] = [
            nn.Linear(latents, prod(small)),
            nn.ReLU(inplace=True),
            nn.Unflatten(1, small),
        ]
        for i, (inside, outside) in enumerate(pairwise((*config.widths, channels))):
            halvings = len(config.widths) - 1 - i  # of the image, to what this layer gives
            if halvings < len(sizes) - 1:
                layers += [nn.ConvTranspose2d(inside, outside, 4, 2, 1)]
                layers += cutting_to(sizes[halvings])
            else:
                layers += [nn.ConvTranspose2d(inside, outside, 3, padding=1)]
            layers += [nn.ReLU(inplace=True)]
        super().__init__(*layers[:-1])
