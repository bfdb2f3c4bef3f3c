"""Circles and squares, pixel by pixel as Pillow draws them."""

from functools import lru_cache

import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

SHAPES = ("circle", "square")
"""Names of the shapes, in the order of their value."""
MARGIN = 2
"""Pixels right and below that no shape comes to, besides the one on which its box ends."""


def draw_boxes(
    shape: Int[Tensor, " batch"],
    size: Float64[Tensor, " batch"],
    x: Float64[Tensor, " batch"],
    y: Float64[Tensor, " batch"],
    *,
    picture_size: int,
) -> Bool[Tensor, "batch picture_size picture_size"]:
    """Fill the box from room * (x, y) to that plus the size, room being picture - 2 - size.

    Every pixel is that of Pillow's `ImageDraw.ellipse` or `rectangle`, which cut the corners of
    the box off to whole pixels and fill the last row and column too.

    Args:
        shape: index in SHAPES.
        size: sides of the box in pixels.
        x: horizontal place, 0 left to 1 right.
        y: vertical place, 0 top to 1 bottom.
        picture_size: height and width of a picture.
    """
    room = picture_size - MARGIN - size
    near = torch.stack([room * x, room * y], dim=1)
    # Pillow cuts off both corners: where a product falls just short, the sides differ by a pixel
    first, last = near.long(), (near + size[:, None]).long()
    boxes = torch.cat([shape[:, None], last - first], dim=1)
    kinds, kind = boxes.unique(dim=0, return_inverse=True)
    reach = torch.stack([_reach(*map(int, row), 2 * picture_size) for row in kinds])[kind]
    # distances from the middle of the box in half pixels, so that they are whole numbers
    across, down = (2 * torch.arange(picture_size) - (first + last)[:, :, None]).abs().unbind(dim=1)
    return across[:, None, :] <= reach.gather(1, down.clamp(max=2 * picture_size - 1))[:, :, None]


@lru_cache(maxsize=256)
def _reach(shape: int, width: int, height: int, length: int) -> Int[Tensor, " length"]:
    """How far a row reaches from the middle, by the row's own distance, in half pixels; or -1."""
    if SHAPES[shape] == "square":
        rows = dict.fromkeys(range(height % 2, height + 1, 2), width)
    else:
        rows = _ellipse_rows(width, height)
    return torch.tensor([rows.get(down, -1) for down in range(length)])


def _ellipse_rows(width: int, height: int) -> dict[int, int]:
    """Reach of each row of an ellipse, walked from its right end to its top in half pixels.

    Source: Pillow, src/libImaging/Draw.c, `quarter_next`; Bresenham 1977, "A linear algorithm for
    incremental digital display of circular arcs".
    """

    def off(point: tuple[int, int]) -> int:
        return abs((width * point[1]) ** 2 + (height * point[0]) ** 2 - (width * height) ** 2)

    across, down = width, height % 2
    rows = {down: across}
    while (across, down) != (width % 2, height):
        steps = [(across, down + 2)]
        if across > 1:
            steps += [(across - 2, down + 2), (across - 2, down)]
        across, down = min(steps, key=off)
        rows.setdefault(down, across)
    return rows
