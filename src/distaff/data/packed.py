"""Black and white images held as bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from distaff.score import Array
from distaff.types import Images


@dataclass(frozen=True, kw_only=True)
class PackedImages:
    """Black and white images of one channel, eight pixels in a byte, row after row."""

    bits: UInt8[Tensor, "sample byte"]
    height: int
    width: int

    def images_at(self, index: Int[Tensor, " batch"]) -> Images:
        """Returns the images of these rows, 0 or 1."""
        places = torch.arange(7, -1, -1, dtype=torch.uint8, device=self.bits.device)
        pixels = (self.bits[index][..., None] >> places) & 1
        return pixels.view(-1, 1, self.height, self.width).to(torch.float32)

    def to(self, device: torch.device | str) -> PackedImages:
        """Returns the same images on another device."""
        return replace(self, bits=self.bits.to(device))


def pack(pixels: UInt8[Array, "*some width"]) -> UInt8[Array, "*some byte"]:
    """Returns pixels that are 0 or 1 as bits; `width` is a multiple of eight.

    Raises:
        ValueError: a pixel is neither 0 nor 1.
    """
    if pixels.max(initial=0) > 1:
        raise ValueError(f"a pixel is {pixels.max()}, and not 0 or 1")
    return np.packbits(pixels, axis=-1)


def packed_images(
    blocks: Iterable[UInt8[Array, "some byte"]], count: int, *, height: int, width: int
) -> PackedImages:
    """Returns images from blocks of their bits, `count` rows in all."""
    bits = np.empty((count, height * width // 8), np.uint8)
    start = 0
    for block in blocks:
        bits[start : start + len(block)] = block
        start += len(block)
    return PackedImages(bits=torch.from_numpy(bits), height=height, width=width)
