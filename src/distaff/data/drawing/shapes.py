"""The shapes of dSprites and some more, drawn for any values of their factors."""

import math

import torch
from jaxtyping import Float, Float64, Int, Int32, UInt8
from torch import Tensor

from distaff.data.drawing.polygons import SUBPIXELS, fill_polygons

SHAPES = ("square", "ellipse", "heart", "triangle", "crescent", "cross", "l-shape", "star")
"""Names of the shapes, in the order of their index; the first three are those of dSprites."""
SPRITE_KINDS = ("discrete", "discrete", "ordinal", "discrete", "ordinal", "ordinal")
"""Of color, shape, scale, orientation, posX and posY; an orientation comes round again."""
HALF_SIDE = 0.15
"""Half the side of the square at scale 1, in sides of the picture."""


def _outlines() -> Float64[Tensor, "shape vertex 2"]:
    square = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    turn = torch.arange(100, dtype=torch.float64) * (2 * math.pi / 100)
    ellipse = torch.stack([1.33 * turn.cos(), turn.sin() / 1.33], 1)
    turn = torch.arange(150, dtype=torch.float64) * (2 * math.pi / 150)
    lobes = 13 * turn.cos() - 5 * (2 * turn).cos() - 2 * (3 * turn).cos() - (4 * turn).cos()
    heart = torch.stack([turn.sin() ** 3, -2 / 29 * lobes - 0.15], 1)
    arm = torch.tensor([(-0.4, -1.2), (0.4, -1.2), (0.4, -0.4)])
    cross = torch.cat([_turned(arm, quarter * math.pi / 2) for quarter in range(4)])
    bend = torch.tensor([(-0.8, -1.1), (0, -1.1), (0, 0.4), (0.8, 0.4), (0.8, 1.1), (-0.8, 1.1)])
    corner = torch.tensor([(0.0, -1.35)])
    notch = _turned(torch.tensor([(0.0, -0.6)]), math.pi / 5)
    star = torch.cat(
        [_turned(torch.cat([corner, notch]), fifth * 2 * math.pi / 5) for fifth in range(5)]
    )
    top = torch.tensor([(0.0, -1.3)])
    triangle = torch.cat([_turned(top, third * 2 * math.pi / 3) for third in range(3)])
    parts = (square, ellipse, heart, triangle, _crescent(), cross, bend, star)
    # a polygon stays the same when its last corner is repeated
    return torch.stack(
        [torch.cat([part.double(), part[-1:].expand(150 - len(part), 2)]) for part in parts]
    )


def _crescent() -> Float64[Tensor, "vertex 2"]:
    """A circle of radius 1.2 without one of radius 1 that lies 0.6 to its right."""
    radius, offset = 1.2, 0.6
    tip = math.acos((radius**2 - 1 + offset**2) / (2 * offset * radius))
    inner_tip = math.atan2(radius * math.sin(tip), radius * math.cos(tip) - offset)
    outer = torch.linspace(tip, 2 * math.pi - tip, 75, dtype=torch.float64)
    inner = torch.linspace(2 * math.pi - inner_tip, inner_tip, 75, dtype=torch.float64)
    return torch.cat(
        [
            radius * torch.stack([outer.cos(), outer.sin()], 1),
            torch.stack([inner.cos() + offset, inner.sin()], 1),
        ]
    )


def _turned(corners: Float[Tensor, "vertex 2"], turn: float) -> Float64[Tensor, "vertex 2"]:
    """Corners turned clockwise on the screen."""
    cos, sin = math.cos(turn), math.sin(turn)
    x, y = corners.double().unbind(dim=1)
    return torch.stack([x * cos - y * sin, x * sin + y * cos], 1)


OUTLINES = _outlines()
"""Corners (x right, y down) of each shape upright, in half sides of the square."""


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
    """Draw a white shape on black in each picture, as dSprites does.

    At the factor values of dSprites, size 64 and one sample these are its images: the formulas
    were recovered from published images, of which they reproduce 380 of 380 without a wrong pixel.
    In the whole set they set 128,328,864 pixels, the original 128,328,862; a few pixels where a
    corner falls between two sub-pixels differ.

    Args:
        shape: Index in SHAPES: 0 square, 1 ellipse, 2 heart, and so on.
        scale: Size of the shape, 0.5 to 1 in dSprites; at 1 the square is 0.3 of the picture wide.
        orientation: Counter-clockwise turn in radians, 0 to 2 pi in dSprites.
        x: Horizontal place, 0 to 1 in dSprites, a quarter of the picture from its left and from
            its right side. Shapes further out are cut at the border.
        y: Vertical place, 0 to 1 in dSprites, a quarter from the top and from the bottom.
        size: Side of the picture in pixels, at least 1; the shapes grow with it.
        samples: Points looked at along each side of a pixel, at least 1.

    Returns:
        Bytes 0 or 1 for one sample; for more, the share of a pixel's points inside the shape, as
        float32 in [0, 1]. On the device of `shape`; the device changes no pixel.

    Raises:
        ValueError: If size or samples is below 1, a shape has no outline, or a factor is not
            finite.

    Source: dSprites (Matthey et al. 2017, github.com/google-deepmind/dsprites-dataset).
    """
    if size < 1 or samples < 1:
        raise ValueError(f"size {size} and samples {samples}: take 1 or more of each")
    if ((shape < 0) | (shape >= len(SHAPES))).any():
        given = shape.unique().tolist()
        raise ValueError(f"shapes {given} hold others than 0 to {len(SHAPES) - 1}, {SHAPES}")
    # in float64 on the processor: some devices have no float64, others their own sine
    factors = torch.stack([part.double().cpu() for part in (scale, orientation, x, y)])
    if not factors.isfinite().all():
        raise ValueError(f"factors reach {factors.abs().max()}; give finite ones")
    side = size * samples
    vertices = _place(shape.cpu(), *factors, side=side).to(shape.device)
    images = fill_polygons(vertices, height=side, width=side)
    if samples == 1:
        return images
    return images.view(-1, size, samples, size, samples).float().mean((2, 4))


def _place(
    shape: Int[Tensor, " batch"],
    scale: Float64[Tensor, " batch"],
    orientation: Float64[Tensor, " batch"],
    x: Float64[Tensor, " batch"],
    y: Float64[Tensor, " batch"],
    *,
    side: int,
) -> Int32[Tensor, "batch vertex 2"]:
    """Corners in 1/256 pixel of a picture of side x side pixels."""
    unit = side * SUBPIXELS
    cos = (HALF_SIDE * unit * scale * orientation.cos())[:, None]
    sin = (HALF_SIDE * unit * scale * orientation.sin())[:, None]
    right, down = OUTLINES[..., 0][shape], OUTLINES[..., 1][shape]
    placed_x = right * cos + down * sin + unit * (0.25 + 0.5 * x)[:, None]
    placed_y = down * cos - right * sin + unit * (0.25 + 0.5 * y)[:, None]
    return torch.stack([placed_x, placed_y], 1).round_().int().transpose(1, 2)
