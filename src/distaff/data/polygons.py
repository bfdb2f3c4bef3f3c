"""Filling of polygons in exact integer arithmetic, a whole batch at a time."""

import torch
from jaxtyping import Integer, UInt8
from torch import Tensor

SUBPIXELS = 256
"""Steps of the vertex grid in one pixel, as in most graphics hardware."""
_CENTRE = SUBPIXELS // 2


def fill_polygons(
    vertices: Integer[Tensor, "batch vertex 2"], *, height: int, width: int
) -> UInt8[Tensor, "batch height width"]:
    """Set the pixels whose centre lies inside a polygon, by the even-odd rule.

    Walking along a row of pixels, inside and outside change places wherever the row of centres
    crosses the outline; so each crossing flips one pixel and a running sum makes the picture. A
    centre exactly on the outline belongs to the polygon on a left or lower edge and not on a right
    or upper one: polygons with a common edge never share a pixel and never leave one out.

    Args:
        vertices: Corners (x right, y down) in 1/256 pixel in the order of the outline, which
            closes by itself; magnitudes below 2^30. The pixel in row j and column i has its centre
            at (256 i + 128, 256 j + 128). The polygon may stick out of the picture.
        height: Rows of the picture, at least 1.
        width: Columns of the picture, at least 1.

    Returns:
        Pictures of zeros and ones on the device of the vertices.

    Raises:
        ValueError: If height or width is below 1, or the vertices are not integers.
    """
    if height < 1 or width < 1:
        raise ValueError(f"a picture of {height} x {width} pixels is empty; take 1 or more of each")
    if vertices.is_floating_point():
        raise ValueError(f"vertices are {vertices.dtype}; round them to integers of 1/256 pixel")
    row, column = _crossings(vertices, height)
    pixels = len(vertices) * height * width
    # what is crossed left of the picture flips its first column, and right of it the spare pixel
    flipped = torch.where(column < width, row * width + column.clamp(min=0), pixels)
    flips = torch.zeros(pixels + 1, dtype=torch.uint8, device=vertices.device)
    flips.scatter_add_(0, flipped, torch.ones_like(flipped, dtype=torch.uint8))
    # a byte that overflows keeps its parity
    return flips[:-1].view(len(vertices), height, width).cumsum_(2).bitwise_and_(1)


def _crossings(
    vertices: Integer[Tensor, "batch vertex 2"], height: int
) -> tuple[Integer[Tensor, " crossing"], Integer[Tensor, " crossing"]]:
    """Row, counted through the batch, and first column right of each crossing of an outline."""
    corners = vertices.shape[1]
    x, y = vertices.unbind(2)
    # an edge crosses the rows j with y_upper < 256 j + 128 <= y_lower
    row = ((y + _CENTRE) // SUBPIXELS).clamp(0, height)
    edge = (row != row.roll(-1, 1)).flatten().nonzero().squeeze(1)
    picture = edge // corners
    end = picture * corners + (edge + 1) % corners
    x0, y0, row0 = (part.flatten()[edge].long() for part in (x, y, row))
    dx, dy, rows = (
        part.flatten()[end].long() - start for part, start in ((x, x0), (y, y0), (row, row0))
    )
    # all edges run downwards from here, which also makes the divisor below positive
    sign = dy.sign()
    dx, dy, count = dx * sign, dy * sign, rows.abs()
    each = torch.repeat_interleave(count)
    first = torch.minimum(row0, row0 + rows)
    row = torch.arange(len(each), device=each.device) - (count.cumsum(0) - count - first)[each]
    # x - 128 where the edge meets the row of centres, times dy; rounded up to whole pixels
    offset = ((x0 - _CENTRE) * dy - (y0 - _CENTRE) * dx)[each] + SUBPIXELS * row * dx[each]
    column = -(-offset // (SUBPIXELS * dy)[each])
    return (picture * height)[each] + row, column
