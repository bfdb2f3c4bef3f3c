"""The shapes of dSprites, drawn for any values of their factors."""

import math

import torch
from jaxtyping import Float, Float64, Int, UInt8
from torch import Tensor

from distaff.data.polygons import SUBPIXELS, fill_polygons

SHAPES = ("square", "ellipse", "heart")
"""Names of the shapes, in the order of their index."""


def _outlines() -> Float64[Tensor, "shape vertex 2"]:
    """Corners (x right, y down) of the shapes at scale 1, in half sides of the square."""
    square = torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=torch.float64)
    turn = torch.arange(100, dtype=torch.float64) * (2 * math.pi / 100)
    ellipse = torch.stack([1.33 * turn.cos(), turn.sin() / 1.33], 1)
    turn = torch.arange(150, dtype=torch.float64) * (2 * math.pi / 150)
    lobes = 13 * turn.cos() - 5 * (2 * turn).cos() - 2 * (3 * turn).cos() - (4 * turn).cos()
    heart = torch.stack([turn.sin() ** 3, -2 / 29 * lobes - 0.15], 1)
    # a corner that is repeated adds nothing to a polygon
    return torch.stack(
        [
            torch.cat([outline, outline[-1:].expand(150 - len(outline), 2)])
            for outline in (square, ellipse, heart)
        ]
    )


OUTLINES = _outlines()
HALF_SIDE = 0.15
"""Half the side of the square at scale 1, in sides of the picture."""


def draw_shapes(
    shape: Int[Tensor, " batch"],
    scale: Float[Tensor, " batch"],
    orientation: Float[Tensor, " batch"],
    x: Float[Tensor, " batch"],
    y: Float[Tensor, " batch"],
    *,
    size: int = 64,
    samples: int = 1,
) -> UInt8[Tensor, "batch size size"] | Float[Tensor, "batch size size"]:
    """Draw white shapes on black, as in dSprites.

    Args:
        shape: Index in SHAPES: 0 square, 1 ellipse, 2 heart.
        scale: 0.5 to 1 in dSprites; at 1 the square is 0.3 of the picture wide.
        orientation: Counter-clockwise turn in radians.
        x: Horizontal place of the centre; 0 is a quarter of the picture from its left side, 1 a
            quarter from its right side.
        y: Vertical place of the centre; 0 is a quarter from the top, 1 a quarter from the bottom.
        size: Side of the picture in pixels, at least 1; the shapes grow with it.
        samples: Points looked at along each side of a pixel, at least 1.

    Returns:
        Bytes 0 or 1 for one sample; else the covered share of each pixel in [0, 1].

    Raises:
        ValueError: If a shape has no outline, a factor is not finite, or size or samples is
            below 1.

    Source: dSprites (Matthey et al. 2017, github.com/google-deepmind/dsprites-dataset), whose
    program was not published; the formulas were recovered from its published images.
    """
    if size < 1 or samples < 1:
        raise ValueError(f"size {size} and samples {samples} must both be 1 or more")
    if ((shape < 0) | (shape >= len(SHAPES))).any():
        raise ValueError(f"shapes go from 0 to {len(SHAPES) - 1}; got {shape.unique().tolist()}")
    side = size * samples
    vertices = _placed(shape, scale, orientation, x, y, side=side)
    images = fill_polygons(vertices, height=side, width=side)
    if samples == 1:
        return images
    return images.view(-1, size, samples, size, samples).float().mean((2, 4))


def _placed(
    shape: Int[Tensor, " batch"],
    scale: Float[Tensor, " batch"],
    orientation: Float[Tensor, " batch"],
    x: Float[Tensor, " batch"],
    y: Float[Tensor, " batch"],
    *,
    side: int,
) -> Int[Tensor, "batch vertex 2"]:
    """Corners of the shapes on the sub-pixel grid of a picture of side x side pixels."""
    unit = side * SUBPIXELS
    radius, turn = scale.double() * (HALF_SIDE * unit), orientation.double()
    cos, sin = (radius * turn.cos())[:, None], (radius * turn.sin())[:, None]
    right, down = OUTLINES.to(shape.device).permute(2, 0, 1)[:, shape]
    left_right = right * cos + down * sin + ((0.25 + 0.5 * x.double()) * unit)[:, None]
    top_down = down * cos - right * sin + ((0.25 + 0.5 * y.double()) * unit)[:, None]
    return torch.stack([left_right, top_down], 1).round().int().transpose(1, 2)
