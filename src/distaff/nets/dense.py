"""Fully connected encoder and decoder."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Literal

from torch import nn

from distaff.nets.convolutional import initialize
from distaff.nets.decoder import Decoder, DecoderConfig
from distaff.nets.encoder import Encoder, EncoderConfig
from distaff.types import ImageShape

Activation = Literal["relu", "he-relu", "tanh"]
"""`he-relu` is ReLU with initial weights that keep the size of a signal, as in the convolutional
nets; the others start from PyTorch's own, which shrink it at each layer."""


class DenseEncoder(Encoder):
    """Flattened image to the parameters of the posterior, with ReLU.

    Reference: Higgins et al. 2017, "beta-VAE", appendix A.1, table 1, 2D shapes.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(EncoderConfig):
        """Layers of the encoder."""

        hidden: tuple[int, ...] = (1200, 1200)
        """Units of each hidden layer, from the image to the latents."""
        activation: Activation = "relu"
        """What follows each hidden layer."""

    def __init__(
        self, config: Config, image_shape: ImageShape, outputs: int, context: int = 0
    ) -> None:
        units = (prod(image_shape) + context, *config.hidden)
        hidden = hidden_layers(units, config.activation)
        super().__init__(nn.Flatten(), *hidden, nn.Linear(units[-1], outputs))


class DenseDecoder(nn.Sequential, Decoder):
    """Latents to what the likelihood needs for each pixel, with tanh.

    Reference: Higgins et al. 2017, "beta-VAE", appendix A.1, table 1, 2D shapes.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(DecoderConfig):
        """Layers of the decoder."""

        hidden: tuple[int, ...] = (1200, 1200, 1200)
        """Units of each hidden layer, from the latents to the image."""
        activation: Activation = "tanh"
        """What follows each hidden layer."""

    def __init__(self, config: Config, latents: int, output_shape: ImageShape) -> None:
        units = (latents, *config.hidden)
        hidden = hidden_layers(units, config.activation)
        last = nn.Linear(units[-1], prod(output_shape))
        super().__init__(*hidden, last, nn.Unflatten(1, output_shape))


def hidden_layers(units: tuple[int, ...], activation: Activation) -> list[nn.Module]:
    """Returns fully connected layers between these numbers of units, each with its activation."""
    layers: list[nn.Module] = []
    for inside, outside in pairwise(units):
        layers += [nn.Linear(inside, outside), nn.Tanh() if activation == "tanh" else nn.ReLU()]
    if activation == "he-relu":
        initialize(nn.Sequential(*layers))
    return layers
