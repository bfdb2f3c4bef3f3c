"""Images of zeros and ones, held as bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.nn import functional

from distaff.types import Images


@dataclass(frozen=True)
class PackedImages:
    """Images of zeros and ones held as bits, each image in whole bytes."""

    bits: UInt8[Tensor, "sample byte"]
    shape: tuple[int, int, int]
    """Channels, height, width."""

    @classmethod
    def of(cls, images: Images) -> PackedImages:
        """Returns these images, packed on their device."""
        pixels = images.flatten(1).to(torch.uint8)
        octets = functional.pad(pixels, (0, -pixels.shape[1] % 8)).unflatten(1, (-1, 8))
        bits = (octets << _places(images.device)).sum(dim=2, dtype=torch.uint8)
        return cls(bits, (images.shape[1], images.shape[2], images.shape[3]))

    def images_at(self, index: Int[Tensor, " batch"]) -> Images:
        """Returns the images of these rows."""
        pixels = (self.bits[index][:, :, None] >> _places(self.bits.device)) & 1
        images: Images = pixels.flatten(1)[:, : prod(self.shape)].unflatten(1, self.shape).float()
        return images

    def to(self, device: torch.device | str) -> PackedImages:
        """Returns the same images on another device."""
        return replace(self, bits=self.bits.to(device))


def _places(device: torch.device) -> UInt8[Tensor, " 8"]:
    return torch.arange(8, dtype=torch.uint8, device=device)
