"""The module that stores shapes: templates, looked up by a soft address, and how they are written.

Reference: Graves, Wayne, Danihelka 2014, "Neural Turing machines", section 3.1, for the look-up.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from distaff.nets.renderer.pose import Pose, frame_points

Templates = Float[Tensor, "slot side side"]


class Memory(nn.Module):
    """Templates of shapes: for each slot how likely each point of its frame is to be bright."""

    def __init__(self, slots: int, side: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.randn(slots, side, side) * 0.1)

    @property
    def templates(self) -> Templates:
        """In [0, 1], [slot, side, side]."""
        return self.logits.sigmoid()

    def forward(self, address: Float[Tensor, "batch slot"]) -> Float[Tensor, "batch side side"]:
        """Returns the mean of the templates under each address, whose rows sum to 1."""
        return torch.einsum("bk,kij->bij", address, self.templates)

    @torch.no_grad()
    def write(self, templates: Templates) -> None:
        """Replaces the templates; they are kept between 0.001 and 0.999."""
        self.logits.copy_(templates.clamp(0.001, 0.999).logit())


def splat(
    planes: Float[Tensor, "batch height width"],
    slot: Int[Tensor, " batch"],
    pose: Pose,
    *,
    slots: int,
    side: int,
) -> Templates:
    """Returns the templates that pictures with known slots and poses speak for.

    The centre of every pixel is put where it lies in the frame of its template, and each cell there
    is the mean of the pixels that fall into it. With many pictures the templates are finer than
    any of them: as the sprite moves by parts of a pixel, other points of it are seen.

    Args:
        planes: pictures of one channel.
        slot: index of the template of each.
        pose: of the frame in each picture.
        slots: number of templates.
        side: of a template, in cells.

    Returns:
        In [0, 1]; a cell into which no pixel fell takes the mean of those around it, and is black
        where there are none.
    """
    u, v = frame_points(pose, *planes.shape[1:])
    column, row = ((u + 1) * (side / 2)).floor().long(), ((v + 1) * (side / 2)).floor().long()
    inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
    cell = ((slot[:, None, None] * side + row) * side + column)[inside]
    cells = slots * side * side
    counts = torch.bincount(cell, minlength=cells).to(planes.dtype)
    sums = torch.bincount(cell, weights=planes[inside], minlength=cells).to(planes.dtype)
    return _filled(sums.view(slots, side, side), counts.view(slots, side, side))


def _filled(sums: Templates, counts: Templates) -> Templates:
    """Means of cells; an empty one takes those around it, from ever further away."""
    seen = counts > 0
    templates = torch.where(seen, sums / counts.clamp(min=1), 0.0)
    for _ in range(sums.shape[-1].bit_length()):
        if bool(seen.all()):
            break
        total, number = (
            functional.avg_pool2d(plane[:, None], 3, 1, 1)[:, 0]
            for plane in (templates * seen, seen.to(sums.dtype))
        )
        around = torch.where(number > 0, total / number.clamp(min=1e-6), 0.0)
        templates = torch.where(seen, templates, around)
        seen = seen | (number > 0)
    return templates
