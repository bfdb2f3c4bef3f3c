"""Bilinear sampling."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from distaff.types import Images

Grid = Float[Tensor, "batch out_height out_width 2"]
"""Where each pixel of the result is read, x then y; -1 and 1 are the sides of the picture."""


def bilinear_sample(
    images: Images, grid: Grid
) -> Float[Tensor, "batch channel out_height out_width"]:
    """Returns pictures read at the points of a grid, black beyond their sides.

    A point takes the mean of the four pixels around it, weighed by how near they are. The gradient
    in the point is the difference between these four: where they are equal there is none, so that
    a sprite that does not overlap its target never finds it.

    Args:
        images: [batch, channel, height, width].
        grid: [batch, out height, out width, 2].

    Reference: Jaderberg, Simonyan, Zisserman, Kavukcuoglu 2015, "Spatial transformer networks",
    equation 5.
    """
    read: Tensor = functional.grid_sample(images, grid, align_corners=False)
    return read
