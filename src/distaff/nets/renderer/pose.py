"""Where a sprite is, how large, and how far it is turned."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Numbers = Float[Tensor, " *batch"]


class Pose(NamedTuple):
    """How the frame of a template lies in a picture.

    A point (u right, v down) of the frame, whose sides are at -1 and 1, lies at

        x + size (u cos turn + v sin turn),   y + size (-u sin turn + v cos turn),

    in pixels, where the centre of the pixel in the first row and column is (0.5, 0.5).
    """

    x: Numbers
    """Pixels from the left side."""
    y: Numbers
    """Pixels from the top."""
    size: Numbers
    """Pixels from the centre of the frame to its sides."""
    turn: Numbers
    """Radians, counter-clockwise."""

    def point(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Returns where points of the frames, one for each or for all, lie in pixels."""
        cos, sin = self.turn.cos(), self.turn.sin()
        return self.x + self.size * (u * cos + v * sin), self.y + self.size * (v * cos - u * sin)

    def at(self, rows: Tensor) -> "Pose":
        """Returns the poses of some rows."""
        return Pose(*(numbers[rows] for numbers in self))

    def moved(self, right: Numbers | float, down: Numbers | float) -> "Pose":
        """Returns the poses in pictures whose origin is moved against them by so many pixels."""
        return self._replace(x=self.x + right, y=self.y + down)


def frame_points(
    pose: Pose, height: int, width: int
) -> tuple[Float[Tensor, "*batch height width"], Float[Tensor, "*batch height width"]]:
    """Returns where the centre of each pixel lies in the frame, (u right, v down)."""
    device, dtype = pose.x.device, pose.x.dtype
    right = torch.arange(width, device=device, dtype=dtype) + 0.5
    down = torch.arange(height, device=device, dtype=dtype) + 0.5
    x = (right - pose.x[..., None])[..., None, :]
    y = (down - pose.y[..., None])[..., :, None]
    cos = (pose.turn.cos() / pose.size)[..., None, None]
    sin = (pose.turn.sin() / pose.size)[..., None, None]
    return x * cos - y * sin, x * sin + y * cos
