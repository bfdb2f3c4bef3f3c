"""The decoder of transposed convolutions that the spatial broadcast decoder is measured against."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

ImageShape = tuple[int, int, int]
SMALLEST = 2
"""Height and width, in pixels, of the map that the dense layer gives for a 64 x 64 image."""


class DeconvolutionDecoder(nn.Sequential):
    """One dense layer to a map of 2 x 2, then transposed convolutions that double it.

    Where a side of the image cannot be halved down to 2, the first convolutions keep the size with
    3 x 3 kernels. Weights start as PyTorch draws them, as in the re-implementation.

    Reference: Watters, Matthey, Burgess, Lerchner 2019, "Spatial Broadcast Decoder: A simple
    architecture for learning disentangled representations in VAEs", arXiv:1901.07017, appendix
    A.1, "DeConv".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Layers of the decoder."""

        widths: tuple[int, ...] = (64, 64, 64, 64, 64)
        """Channels before each transposed convolution, from the latents to the image."""

        def __post_init__(self) -> None:
            """Refuses an empty stack and layers without units."""
            if not self.widths or min(self.widths) < 1:
                raise ValueError(f"widths is {self.widths}; give at least one, each above 0")

    def __init__(self, config: Config, latents: int, output_shape: ImageShape) -> None:
        channels, height, width = output_shape
        doublings = _doublings(height, width, len(config.widths))
        small = (config.widths[0], height // 2**doublings, width // 2**doublings)
        units = small[0] * small[1] * small[2]
        layers: list[nn.Module] = [
            nn.Linear(latents, units),
            nn.ReLU(inplace=True),
            nn.Unflatten(1, small),
        ]
        kept = len(config.widths) - doublings
        for i, (inside, outside) in enumerate(pairwise((*config.widths, channels))):
            kernel, stride = (3, 1) if i < kept else (4, 2)
            layers += [nn.ConvTranspose2d(inside, outside, kernel, stride=stride, padding=1)]
            layers += [nn.ReLU(inplace=True)]
        super().__init__(*layers[:-1])


def _doublings(height: int, width: int, layers: int) -> int:
    """How many of the layers can double a map of at least SMALLEST pixels each way."""
    count = 0
    while count < layers and all(
        side % 2 ** (count + 1) == 0 and side >= SMALLEST * 2 ** (count + 1)
        for side in (height, width)
    ):
        count += 1
    return count
