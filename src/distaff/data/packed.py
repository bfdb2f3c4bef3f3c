"""Images of zeros and ones held as bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from distaff.data.sources import DrawnImages, ImageSource, SomeRows
from distaff.score import Array
from distaff.types import Images

DRAWN_AT_ONCE = 2048


@dataclass(frozen=True)
class PackedImages:
    """Images of zeros and ones, eight pixels in a byte, each image in whole bytes."""

    bits: UInt8[Tensor, "sample byte"]
    shape: tuple[int, int, int]
    """Channels, height, width."""

    def images_at(self, index: Int[Tensor, " batch"]) -> Images:
        """Returns the images of these rows, 0 or 1."""
        places = torch.arange(7, -1, -1, dtype=torch.uint8, device=self.bits.device)
        pixels = (self.bits[index][:, :, None] >> places) & 1
        images: Images = pixels.flatten(1)[:, : prod(self.shape)].unflatten(1, self.shape).float()
        return images

    def to(self, device: torch.device | str) -> PackedImages:
        """Returns the same images on another device."""
        return replace(self, bits=self.bits.to(device))


def pack(pixels: UInt8[Array, "*some width"]) -> UInt8[Array, "*some byte"]:
    """Returns pixels that are 0 or 1 as bits; a last byte that they do not fill ends in zeros.

    Raises:
        ValueError: a pixel is neither 0 nor 1.
    """
    if pixels.max(initial=0) > 1:
        raise ValueError(f"a pixel is {pixels.max()}, and not 0 or 1")
    return np.packbits(pixels, axis=-1)


def packed_images(
    blocks: Iterable[UInt8[Array, "some byte"]], count: int, shape: tuple[int, int, int]
) -> PackedImages:
    """Returns images from blocks of their bits, `count` rows in all."""
    bits = np.empty((count, -(-prod(shape) // 8)), np.uint8)
    start = 0
    for block in blocks:
        bits[start : start + len(block)] = block
        start += len(block)
    return PackedImages(torch.from_numpy(bits), shape)


def drawn_black_and_white(source: ImageSource) -> bool:
    """Returns whether images, or those they are some rows of, are drawn of zeros and ones only."""
    while isinstance(source, SomeRows):
        source = source.source
    return isinstance(source, DrawnImages) and source.binary


def drawn_once(source: ImageSource, count: int, shape: tuple[int, int, int]) -> PackedImages:
    """Returns the first `count` images of a source of zeros and ones as bits, on the CPU."""
    drawn = (source.images_at(rows) for rows in torch.arange(count).split(DRAWN_AT_ONCE))
    blocks = (pack(images.to(torch.uint8).flatten(1).numpy(force=True)) for images in drawn)
    return packed_images(blocks, count, shape)
