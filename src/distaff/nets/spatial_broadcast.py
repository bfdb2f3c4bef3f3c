"""Convolutions that know where they are, and the decoder that is made of them."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import unfold

from distaff.nets.decoder import Decoder, DecoderConfig
from distaff.types import Images, ImageShape, Latents, Outputs


class CoordConv(nn.Module):
    """A convolution that also sees where each pixel is.

    Before it, the coordinates are appended as channels: x, from -1 in the first column to 1 in
    the last, y, from -1 in the first row to 1 in the last, and, if asked for, the radius
    sqrt(x² + y²). It keeps the size of the image; the kernel is odd.

    Reference: Liu, Lehman, Molino, Petroski Such, Frank, Sergeev, Yosinski 2018, "An intriguing
    failing of convolutional neural networks and the CoordConv solution", arXiv:1807.03247.
    """

    def __init__(self, inside: int, outside: int, kernel: int, *, radius: bool = False) -> None:
        super().__init__()
        self.inside, self.kernel, self.radius = inside, kernel, radius
        self.convolution = nn.Conv2d(inside + 2 + radius, outside, kernel, padding=kernel // 2)

    def forward(self, images: Images) -> Outputs:
        """Returns [batch, outside, height, width] of [batch, inside, height, width]."""
        planes = self._coordinates(*images.shape[2:]).expand(len(images), -1, -1, -1)
        result: Outputs = self.convolution(torch.cat([images, planes], dim=1))
        return result

    def of_tiled(self, latents: Latents, height: int, width: int) -> Outputs:
        """Returns what `forward` gives for images each of whose pixels holds the same latents.

        Without these images: the latents meet each tap of the kernel once, and a pixel adds up the
        taps that lie inside of the image. What the coordinates add is the same for the whole
        batch. The result is channels last, which the convolutions after it are faster with.
        """
        weight, bias = map(self.convolution.get_parameter, ("weight", "bias"))
        taps = weight.flatten(2).permute(1, 2, 0)
        planes, pad = self._coordinates(height, width), self.kernel // 2
        inside = unfold(torch.ones_like(planes[:, :1]), self.kernel, padding=pad)[0].T
        seen = unfold(planes, self.kernel, padding=pad)[0].T
        of_place = torch.addmm(bias, seen, taps[self.inside :].flatten(0, 1))
        of_latents = (latents @ taps[: self.inside].flatten(1)).unflatten(1, taps.shape[1:])
        flat = torch.baddbmm(of_place, inside.expand(len(latents), -1, -1), of_latents)
        outputs: Outputs = flat.unflatten(1, (height, width)).permute(0, 3, 1, 2)
        return outputs

    def _coordinates(self, height: int, width: int) -> Float[Tensor, "1 plane height width"]:
        weight = self.convolution.weight
        y = torch.linspace(-1, 1, height, device=weight.device, dtype=weight.dtype)
        x = torch.linspace(-1, 1, width, device=weight.device, dtype=weight.dtype)
        planes = torch.meshgrid(x, y, indexing="xy")
        return torch.stack([*planes, torch.hypot(*planes)] if self.radius else planes)[None]


class SpatialBroadcastDecoder(Decoder):
    """Latents repeated at every pixel, the pixel's coordinates beside them, then convolutions.

    Reference: Watters, Matthey, Burgess, Lerchner 2019, "Spatial Broadcast Decoder: A simple
    architecture for learning disentangled representations in VAEs", arXiv:1901.07017. The paper's
    kernel is 4; 3 keeps the size of the image and is that of common re-implementations.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(DecoderConfig):
        """Layers of the decoder."""

        widths: tuple[int, ...] = (64, 64)
        """Channels after each convolution but the last, which gives the image."""
        kernel: int = 3
        """Height and width of each kernel, odd."""

        def __post_init__(self) -> None:
            """Refuses an empty stack, layers without units and kernels without a middle."""
            if not self.widths or min(self.widths) < 1:
                raise ValueError(f"widths is {self.widths}; give at least one, each above 0")
            if self.kernel < 1 or self.kernel % 2 == 0:
                raise ValueError(f"kernel is {self.kernel}; it must be odd")

    def __init__(self, config: Config, latents: int, output_shape: ImageShape) -> None:
        super().__init__()
        channels, self.height, self.width = output_shape
        self.first = CoordConv(latents, config.widths[0], config.kernel)
        # into new memory: the first layer gives a view, of which autograd would make a copy
        layers: list[nn.Module] = [nn.ReLU()]
        for inside, outside in pairwise((*config.widths, channels)):
            padding = config.kernel // 2
            layers += [
                nn.Conv2d(inside, outside, config.kernel, padding=padding),
                nn.ReLU(inplace=True),
            ]
        self.rest = nn.Sequential(*layers[:-1])

    def forward(self, latents: Latents) -> Outputs:
        """Returns [batch, channel, height, width] of [batch, latent]."""
        outputs: Outputs = self.rest(self.first.of_tiled(latents, self.height, self.width))
        return outputs
