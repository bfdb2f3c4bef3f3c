"""Convolutional encoder and decoder of the beta-VAE family.

A stack of 4 x 4 convolutions with stride 2, then dense layers; the decoder is the mirror image.
Where the map cannot be halved any more (see `nets/halving.py`), as at 4 x 4, the remaining layers
keep its size with 3 x 3 kernels. An odd side is halved as if it had a row or column of zeros more,
which the decoder cuts off again.

The defaults are the row for Chairs, CelebA and 3D faces of the beta-VAE paper. Burgess et al. use
widths 32, 32, 32, 32 and hidden layers 256, 256.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod

from torch import nn

from distaff.errors import UsageError
from distaff.nets.decoder import Decoder, DecoderConfig
from distaff.nets.encoder import Encoder, EncoderConfig
from distaff.nets.halving import cutting_to, halved, padding_to_even
from distaff.nets.upconvolution import UpConvolution
from distaff.types import ImageShape

MOST_UNITS = 8192
"""Numbers of the last map, at most, with which a training does not diverge. Each step of Adam moves
a dense layer's output by the rate times the sum of its inputs: from 25 x 25 x 64 on the first steps
reach a KL of 10^10 nats."""


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
    class Config(Stack, EncoderConfig):
        """Layers of the encoder."""

    def __init__(
        self, config: Config, image_shape: ImageShape, outputs: int, context: int = 0
    ) -> None:
        channels, *size = image_shape
        sizes = halved((size[0], size[1]), len(config.widths), smallest=3)
        layers: list[nn.Module] = []
        for i, (inside, outside) in enumerate(pairwise((channels, *config.widths))):
            if i < len(sizes) - 1:
                layers += [*padding_to_even(sizes[i]), nn.Conv2d(inside, outside, 4, 2, 1)]
            else:
                layers += [nn.Conv2d(inside, outside, 3, padding=1)]
            layers += [nn.ReLU(inplace=True)]
        units = (config.widths[-1] * prod(sizes[-1]) + context, *config.hidden)
        layers += [nn.Flatten()]
        for inside, outside in pairwise(units):
            layers += [nn.Linear(inside, outside), nn.ReLU(inplace=True)]
        super().__init__(*layers, nn.Linear(units[-1], outputs))
        initialize(self)
        self.widths, self.last = config.widths, sizes[-1]

    def check_trainable(self) -> None:
        """Refuses images whose last map is too large for the dense layer.

        Raises:
            UsageError: it has more than `MOST_UNITS` numbers.
        """
        units = self.widths[-1] * prod(self.last)
        if units > MOST_UNITS:
            wider = ", ".join(map(str, (*self.widths, self.widths[-1])))
            raise UsageError(
                f"the {len(self.widths)} convolutions of the encoder leave a map of "
                f"{self.last[0]} x {self.last[1]} with {self.widths[-1]} channels, {units:,} "
                f"numbers, and training diverges above {MOST_UNITS:,}; give encoder and decoder "
                f"more widths, for example {wider}, or take smaller images."
            )


class ConvolutionalDecoder(nn.Sequential, Decoder):
    """Latents to what the likelihood needs for each pixel.

    Reference: Higgins et al. 2017, "beta-VAE", appendix A.1, table 1; Burgess et al. 2018,
    arXiv:1804.03599.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Stack, DecoderConfig):
        """Layers of the decoder, named as those of the encoder that it mirrors."""

    def __init__(self, config: Config, latents: int, output_shape: ImageShape) -> None:
        channels, *size = output_shape
        sizes = halved((size[0], size[1]), len(config.widths), smallest=3)
        units = (latents, *reversed(config.hidden), config.widths[-1] * prod(sizes[-1]))
        layers: list[nn.Module] = []
        for inside, outside in pairwise(units):
            layers += [nn.Linear(inside, outside), nn.ReLU(inplace=True)]
        layers += [nn.Unflatten(1, (config.widths[-1], *sizes[-1]))]
        for i, (outside, inside) in reversed([*enumerate(pairwise((channels, *config.widths)))]):
            if i < len(sizes) - 1:
                layers += [UpConvolution(inside, outside), *cutting_to(sizes[i])]
            else:
                layers += [nn.ConvTranspose2d(inside, outside, 3, padding=1)]
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
