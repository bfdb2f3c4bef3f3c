"""Where images come from: memory, as bytes or bits, or a function that draws them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from distaff.arrays import Array
from distaff.types import Images

Index = Int[Tensor, " batch"]
DRAWN_AT_ONCE = 2048


@runtime_checkable
class ImageSource(Protocol):
    """Where images come from: memory, or a function that draws them."""

    def images_at(self, index: Index) -> Images:
        """Returns the images of these rows, float32 in [0, 1], on the source's device."""

    def to(self, device: torch.device | str) -> ImageSource:
        """Returns the same source on another device."""


@dataclass(frozen=True)
class StoredImages:
    """Images held as bytes and turned into numbers only when asked for."""

    pixels: UInt8[Tensor, "sample channel height width"]
    of_files: str | None = None
    """Digest of the files they were decoded from, which another version of the decoder does not
    change; without files the pixels themselves are digested."""

    @property
    def digest(self) -> str:
        """SHA-256 of the files or the pixels, in their order."""
        return self.of_files or hashlib.sha256(self.pixels.numpy(force=True).data).hexdigest()

    def images_at(self, index: Index) -> Images:
        """Returns the images of these rows, grey levels divided by 255."""
        return self.pixels[index].to(torch.float32) / 255

    def to(self, device: torch.device | str) -> StoredImages:
        """Returns the same images on another device."""
        return replace(self, pixels=self.pixels.to(device))


@dataclass(frozen=True)
class DrawnImages:
    """Images that are drawn from their factor values each time they are asked for."""

    draw: Callable[[Tensor, torch.device | str], Images]
    """Images of factor values [batch, factor], on a device."""
    values: Float[Tensor, "sample factor"]
    """On the CPU: they are float64, which some devices lack."""
    device: torch.device | str = "cpu"
    binary: bool = False
    """Whether each pixel is 0 or 1."""

    def images_at(self, index: Index) -> Images:
        """Draws the images of these rows."""
        return self.draw(self.values[index.cpu()], self.device)

    def to(self, device: torch.device | str) -> DrawnImages:
        """Returns a source that draws on another device."""
        return replace(self, device=device)


@dataclass(frozen=True)
class Subset:
    """Some rows of another source."""

    source: ImageSource
    rows: Index

    def images_at(self, index: Index) -> Images:
        """Returns the images of these of the rows."""
        return self.source.images_at(self.rows[index])

    def to(self, device: torch.device | str) -> Subset:
        """Returns the same rows on another device."""
        return Subset(self.source.to(device), self.rows.to(device))


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
    while isinstance(source, Subset):
        source = source.source
    return isinstance(source, DrawnImages) and source.binary


def drawn_once(source: ImageSource, count: int, shape: tuple[int, int, int]) -> PackedImages:
    """Returns the first `count` images of a source of zeros and ones as bits, on the CPU."""
    drawn = (source.images_at(rows) for rows in torch.arange(count).split(DRAWN_AT_ONCE))
    blocks = (pack(images.to(torch.uint8).flatten(1).numpy(force=True)) for images in drawn)
    return packed_images(blocks, count, shape)
