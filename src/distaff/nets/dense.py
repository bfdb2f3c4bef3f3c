"""Fully connected encoder and decoder."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod

from torch import nn

ImageShape = tuple[int, int, int]


class DenseEncoder(nn.Sequential):
    """Flattened image to the parameters of the posterior, with ReLU.

    Reference: Higgins et al. 2017, "beta-VAE", appendix A.1, table 1, 2D shapes.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Layers of the encoder."""

        hidden: tuple[int, ...] = (1200, 1200)
        """Units of each hidden layer, from the image to the latents."""

    def __init__(self, config: Config, image_shape: ImageShape, outputs: int) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        units = (prod(image_shape), *config.hidden)
        for inside, outside in pairwise(units):
            layers += [nn.Linear(inside, outside), nn.ReLU()]
        super().__init__(*layers, nn.Linear(units[-1], outputs))


class DenseDecoder(nn.Sequential):
    """Latents to what the likelihood needs for each pixel, with tanh.

    Reference: Higgins et al. 2017, "beta-VAE", appendix A.1, table 1, 2D shapes.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Layers of the decoder."""

        hidden: tuple[int, ...] = (1200, 1200, 1200)
        """Units of each hidden layer, from the latents to the image."""

    def __init__(self, config: Config, latents: int, output_shape: ImageShape) -> None:
        layers: list[nn.Module] = []
        units = (latents, *config.hidden)
        for inside, outside in pairwise(units):
            layers += [nn.Linear(inside, outside), nn.Tanh()]
        layers += [nn.Linear(units[-1], prod(output_shape)), nn.Unflatten(1, output_shape)]
        super().__init__(*layers)
