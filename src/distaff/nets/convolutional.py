"""Convolutional encoder and decoder of the beta-VAE family.

A stack of 4 x 4 convolutions with stride 2, then dense layers; the decoder is the mirror image.
Where a side is no longer even, or the map is 4 x 4 already, the remaining layers keep the size
with 3 x 3 kernels, so that 28, 32, 64 and 128 pixels (any multiple of 4) all work.

The defaults are the row for Chairs, CelebA and 3D faces of the beta-VAE paper. Burgess et al. use
widths 32, 32, 32, 32 and hidden layers 256, 256.
"""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from distaff.nets.encoder import Encoder
from distaff.nets.upconvolution import UpConvolution

ImageShape = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Widths of the layers, from the image to the latents."""

    widths: tuple[int, ...] = (32, 32, 64, 64)
    """Channels of each convolution."""
    hidden: tuple[int, ...] = (256,)
    """Units of each dense layer between the convolutions and the latents."""

    def __post_init__(self) -> None:
        """Refuses an empty stack and layers without units."""
        if not self.widths or min(*self.widths, *self.hidden, 1) < 1:
            raise ValueError(
                f"widths {self.widths} and hidden {self.hidden} must be whole numbers above 0, "
                f"with at least one convolution"
            )


class ConvolutionalEncoder(Encoder):
    """Image to the parameters of the posterior.

    Reference: Higgins et al. 2017, "beta-VAE", appendix A.1, table 1; Burgess et al. 2018,
    arXiv:1804.03599.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Stack):
        """Layers of the encoder."""

    def __init__(
        self, config: Config, image_shape: ImageShape, outputs: int, context: int = 0
    ) -> None:
        channels, *size = image_shape
        layers: list[nn.Module] = []
        for inside, outside, kernel in _convolutions(channels, size, config.widths):
            layers += [
                nn.Conv2d(inside, outside, kernel, stride=2 if kernel == 4 else 1, padding=1)
            ]
            layers += [nn.ReLU(inplace=True)]
        height, width = _final_size(size, config.widths)
        units = (config.widths[-1] * height * width + context, *config.hidden)
        layers += [nn.Flatten()]
        for inside, outside in pairwise(units):
            layers += [nn.Linear(inside, outside), nn.ReLU(inplace=True)]
        super().__init__(*layers, nn.Linear(units[-1], outputs))
        initialize(self)


class ConvolutionalDecoder(nn.Sequential):
    """Latents to what the likelihood needs for each pixel.

    Reference: Higgins et al. 2017, "beta-VAE", appendix A.1, table 1; Burgess et al. 2018,
    arXiv:1804.03599.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Stack):
        """Layers of the decoder, named as those of the encoder that it mirrors."""

    def __init__(self, config: Config, latents: int, output_shape: ImageShape) -> None:
        channels, *size = output_shape
        height, width = _final_size(size, config.widths)
        units = (latents, *reversed(config.hidden), config.widths[-1] * height * width)
        layers: list[nn.Module] = []
        for inside, outside in pairwise(units):
            layers += [nn.Linear(inside, outside), nn.ReLU(inplace=True)]
        layers += [nn.Unflatten(1, (config.widths[-1], height, width))]
        for outside, inside, kernel in reversed(_convolutions(channels, size, config.widths)):
            if kernel == 4:
                layers += [UpConvolution(inside, outside)]
            else:
                layers += [nn.ConvTranspose2d(inside, outside, kernel, padding=1)]
            layers += [nn.ReLU(inplace=True)]
        super().__init__(*layers[:-1])
        initialize(self)


def initialize(net: nn.Sequential) -> None:
    """Draws weights so that a signal keeps its size through ReLU layers; biases are 0.

    With PyTorch's own initial weights it shrinks at each layer, and a deep decoder starts on a
    plateau on which all images look the same, some seeds for good.

    Reference: He, Zhang, Ren, Sun 2015, "Delving deep into rectifiers", equation 10.
    """
    for layer in net:
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _convolutions(
    channels: int, size: list[int], widths: tuple[int, ...]
) -> list[tuple[int, int, int]]:
    """Channels in, channels out and kernel of each convolution; kernel 4 halves the size."""
    halved = _halvings(size, len(widths))
    return [
        (inside, outside, 4 if i < halved else 3)
        for i, (inside, outside) in enumerate(pairwise((channels, *widths)))
    ]


def _halvings(size: list[int], layers: int) -> int:
    """How often both sides can be halved without leaving whole numbers or going below 4."""
    count = 0
    while count < layers and all(s % 2 ** (count + 1) == 0 and s > 4 * 2**count for s in size):
        count += 1
    return count


def _final_size(size: list[int], widths: tuple[int, ...]) -> tuple[int, int]:
    factor = 2 ** _halvings(size, len(widths))
    return size[0] // factor, size[1] // factor
