"""Fully connected encoder and decoder of residual blocks."""

from dataclasses import dataclass
from math import prod

from torch import Tensor, nn

from distaff.nets.decoder import Decoder, DecoderConfig
from distaff.nets.encoder import Encoder, EncoderConfig
from distaff.types import ImageShape


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Size of a stack of residual blocks."""

    width: int = 500
    """Units of the stream that the blocks add to."""
    blocks: int = 2
    """Number of blocks."""

    def __post_init__(self) -> None:
        """Refuses a stack without units or blocks, and one deeper than has been of use."""
        for name, most in (("width", 1_000_000), ("blocks", 1000)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be from 1 to {most}")


class ResidualBlock(nn.Module):
    """x + W silu(normalise(x)) + b: a layer that adds to its input.

    Reference: He, Zhang, Ren, Sun 2016, "Identity mappings in deep residual networks", figure 1b;
    layer normalisation after Ba, Kiros, Hinton 2016, arXiv:1607.06450.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.addition = nn.Sequential(nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, stream: Tensor) -> Tensor:
        """Returns the stream with the block's addition, [batch, width]."""
        added: Tensor = stream + self.addition(stream)
        return added


def _stack(inputs: int, config: Blocks, outputs: int) -> list[nn.Module]:
    blocks = [ResidualBlock(config.width) for _ in range(config.blocks)]
    ends = (nn.Linear(inputs, config.width), nn.SiLU(), nn.Linear(config.width, outputs))
    return [ends[0], *blocks, *ends[1:]]


class ResidualEncoder(Encoder):
    """Flattened image to the parameters of the posterior, through residual blocks.

    Reference: He, Zhang, Ren, Sun 2016, "Identity mappings in deep residual networks".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Blocks, EncoderConfig):
        """Size of the encoder."""

    def __init__(
        self, config: Config, image_shape: ImageShape, outputs: int, context: int = 0
    ) -> None:
        super().__init__(nn.Flatten(), *_stack(prod(image_shape) + context, config, outputs))


class ResidualDecoder(nn.Sequential, Decoder):
    """Latents to what the likelihood needs for each pixel, through residual blocks.

    Reference: He, Zhang, Ren, Sun 2016, "Identity mappings in deep residual networks".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Blocks, DecoderConfig):
        """Size of the decoder."""

    def __init__(self, config: Config, latents: int, output_shape: ImageShape) -> None:
        layers = _stack(latents, config, prod(output_shape))
        super().__init__(*layers, nn.Unflatten(1, output_shape))
