"""Filling of polygons in exact integer arithmetic, a whole batch at a time."""

import torch
from jaxtyping import Integer, UInt8
from torch import Tensor

SUBPIXELS = 256
"""Steps of the corner grid in one pixel, as in most graphics hardware."""
_CENTRE = SUBPIXELS // 2


def fill_polygons(
    vertices: Integer[Tensor, "batch vertex 2"], *, height: int, width: int
) -> UInt8[Tensor, "batch height width"]:
    """Set the pixels whose centre lies inside a polygon, by the even-odd rule.

    Walking along a row of centres, inside and outside change places wherever the row crosses the
    outline; so each crossing flips one pixel, and running sums make the picture. A centre exactly
    on the outline belongs to the polygon on a left or lower edge and not on a right or upper one:
    polygons with a common edge never share a pixel and never leave one out.

    Args:
        vertices: Corners (x right, y down) in 1/256 pixel, int32 or int64 with magnitudes below
            2^30, in the order of the outline, which closes by itself. The centre of the pixel in
            row j and column i is (256 i + 128, 256 j + 128). A polygon may stick out of the
            picture.
        height: Rows of the picture, at least 1.
        width: Columns of the picture, at least 1.

    Returns:
        Pictures of zeros and ones, on the device of the vertices.

    Raises:
        ValueError: If height or width is below 1.
    """
    if height < 1 or width < 1:
        raise ValueError(f"a picture of {height} x {width} pixels is empty; take 1 or more of each")
    row, column = _crossings(vertices, height)
    pixels = len(vertices) * height * width
    # left of the picture a crossing flips the first column, right of it a spare pixel
    flipped = torch.where(column < width, row * width + column.clamp(min=0), pixels)
    flips = torch.zeros(pixels + 1, dtype=torch.uint8, device=vertices.device)
    flips.scatter_add_(0, flipped, torch.ones_like(flipped, dtype=torch.uint8))
    # only the parity is read, which a byte keeps when it overflows
    return flips[:-1].view(len(vertices), height, width).cumsum_(2).bitwise_and_(1)


def _crossings(
    vertices: Integer[Tensor, "batch vertex 2"], height: int
) -> tuple[Integer[Tensor, " crossing"], Integer[Tensor, " crossing"]]:
    """Row in the stacked pictures and first pixel to the right of each crossing."""
    x, y = vertices.unbind(2)
    # row j is crossed by the edges with y_upper < 256 j + 128 <= y_lower
    row = ((y + _CENTRE) // SUBPIXELS).clamp(0, height)
    edge = (row != row.roll(-1, 1)).flatten().nonzero().squeeze(1)
    corners = vertices.shape[1]
    picture = edge // corners
    end = picture * corners + (edge + 1) % corners
    x0, y0, row0, x1, y1, row1 = (
        part.flatten()[corner].long() for corner in (edge, end) for part in (x, y, row)
    )
    # downwards, so that the divisor below is positive
    sign = (y1 - y0).sign()
    dx, dy = (x1 - x0) * sign, (y1 - y0) * sign
    first, count = torch.minimum(row0, row1), (row1 - row0).abs()
    each = torch.repeat_interleave(count)
    number = torch.arange(len(each), device=each.device) - (count.cumsum(0) - count)[each]
    row = first[each] + number
    # where the edge meets the row, as x - 128 times dy, rounded up to whole pixels
    meet = ((x0 - _CENTRE) * dy - (y0 - _CENTRE) * dx)[each] + SUBPIXELS * row * dx[each]
    column = -(-meet // (SUBPIXELS * dy)[each])
    return (picture * height)[each] + row, column
