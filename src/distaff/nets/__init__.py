"""Encoders and decoders, by name.

An encoder is built from its config, the image shape and the number of outputs, and maps images to
[batch, outputs]. One for conditional models also takes the size of a context, and maps images and
context. A decoder is built from its config, the number of latents and the output shape (channels,
height, width), and maps latents to [batch, channels, height, width]; a context is joined to the
latents beforehand. `config.build` builds either.
"""

from collections.abc import Callable
from typing import Any, overload

import torch
from torch import Tensor

from distaff.nets.convolutional import ConvolutionalDecoder, ConvolutionalEncoder
from distaff.nets.decoder import Decoder, DecoderConfig
from distaff.nets.deconvolution import DeconvolutionDecoder
from distaff.nets.dense import DenseDecoder, DenseEncoder
from distaff.nets.encoder import Encoder, EncoderConfig
from distaff.nets.localized import LocalizedEncoder
from distaff.nets.residual import ResidualDecoder, ResidualEncoder
from distaff.nets.spatial_broadcast import CoordConv, SpatialBroadcastDecoder
from distaff.registry import Registry

ENCODERS: Registry[type[Encoder]] = Registry(
    "distaff.nets",
    "encoder",
    {
        "convolutional": ConvolutionalEncoder,
        "dense": DenseEncoder,
        "localized": LocalizedEncoder,
        "residual": ResidualEncoder,
    },
    config=EncoderConfig,
    accepts=lambda net: isinstance(net, type) and issubclass(net, Encoder),
    shares_group=True,
)
DECODERS: Registry[type[Decoder]] = Registry(
    "distaff.nets",
    "decoder",
    {
        "convolutional": ConvolutionalDecoder,
        "deconvolution": DeconvolutionDecoder,
        "dense": DenseDecoder,
        "residual": ResidualDecoder,
        "spatial-broadcast": SpatialBroadcastDecoder,
    },
    config=DecoderConfig,
    accepts=lambda net: isinstance(net, type) and issubclass(net, Decoder),
    shares_group=True,
)


Net = type[Encoder] | type[Decoder]


@overload
def register(name: str) -> Callable[[Net], Net]: ...
@overload
def register(name: str, net: Net) -> Net: ...
def register(name: str, net: Net | None = None) -> Any:
    """Registers an encoder or a decoder in this process, as `Registry.register` does.

    Raises:
        UsageError: the name is taken, or the class has no `Config` of its own.
    """
    if net is None:
        return lambda given: register(name, given)
    if issubclass(net, Encoder):
        return ENCODERS.register(name, net)
    return DECODERS.register(name, net)


def unrounded(numbers: Tensor) -> Tensor:
    """Returns what a net put out in float32, or in float64 if the net computes in that.

    Under autocast it is bfloat16, too coarse for sums over pixels and latents.
    """
    return numbers.to(torch.promote_types(numbers.dtype, torch.float32))


__all__ = [
    "DECODERS",
    "ENCODERS",
    "ConvolutionalDecoder",
    "ConvolutionalEncoder",
    "CoordConv",
    "Decoder",
    "DeconvolutionDecoder",
    "DenseDecoder",
    "DenseEncoder",
    "Encoder",
    "LocalizedEncoder",
    "ResidualDecoder",
    "ResidualEncoder",
    "SpatialBroadcastDecoder",
    "register",
    "unrounded",
]
