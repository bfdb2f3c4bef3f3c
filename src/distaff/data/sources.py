"""Where images come from: memory, or a function that draws them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from distaff.types import Images

Index = Int[Tensor, " batch"]


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
class SomeRows:
    """Some rows of another source."""

    source: ImageSource
    rows: Index

    def images_at(self, index: Index) -> Images:
        """Returns the images of these of the rows."""
        return self.source.images_at(self.rows[index])

    def to(self, device: torch.device | str) -> SomeRows:
        """Returns the same rows on another device."""
        return SomeRows(self.source.to(device), self.rows.to(device))
