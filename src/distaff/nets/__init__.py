"""Encoders and decoders, by name.

An encoder is built from its config, the image shape and the number of outputs, and maps images to
[batch, outputs]; one for conditional models takes the size of a context as well, and maps images
and context. A decoder is built from its config, the number of latents and the output shape
(channels, height, width), and maps latents to [batch, channels, height, width]; a context is
joined to the latents before.
"""

import torch
from torch import Tensor, nn

from distaff.nets.convolutional import ConvolutionalDecoder, ConvolutionalEncoder
from distaff.nets.deconvolution import DeconvolutionDecoder
from distaff.nets.dense import DenseDecoder, DenseEncoder
from distaff.nets.residual import ResidualDecoder, ResidualEncoder
from distaff.nets.spatial_broadcast import CoordConv, SpatialBroadcastDecoder

ENCODERS: dict[str, type[nn.Module]] = {
    "convolutional": ConvolutionalEncoder,
    "dense": DenseEncoder,
    "residual": ResidualEncoder,
}
DECODERS: dict[str, type[nn.Module]] = {
    "convolutional": ConvolutionalDecoder,
    "deconvolution": DeconvolutionDecoder,
    "dense": DenseDecoder,
    "residual": ResidualDecoder,
    "spatial-broadcast": SpatialBroadcastDecoder,
}


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
    "DeconvolutionDecoder",
    "DenseDecoder",
    "DenseEncoder",
    "ResidualDecoder",
    "ResidualEncoder",
    "SpatialBroadcastDecoder",
    "unrounded",
]
