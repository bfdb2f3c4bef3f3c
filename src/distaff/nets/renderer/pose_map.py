"""From known values of a sprite to its pose in pixels, found from a few labelled pictures."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from distaff.errors import UsageError
from distaff.nets.renderer.localizer import localize
from distaff.nets.renderer.pose import Pose

Planes = Float[Tensor, "batch height width"]
Numbers = Float[Tensor, " *batch"]
MARGIN = 1.1
"""How much larger a frame is than what it has to hold."""


class Values(NamedTuple):
    """What is known of sprites."""

    shape: Int[Tensor, " *batch"]
    """Index of the template."""
    scale: Numbers
    """In any unit."""
    turn: Numbers
    """In radians, to either side."""
    x: Numbers
    """In any unit."""
    y: Numbers
    """In any unit."""


class PoseMap(nn.Module):
    """The pose that values stand for: where, how large in pixels, which way turned.

    Places are linear in their values, sizes proportional to scales. The frame of a template has the
    origin that the places speak of, which need not be the centroid.
    """

    start: Tensor
    pitch: Tensor
    centroid: Tensor
    sense: Tensor
    size: Tensor
    area: Tensor

    def __init__(self, shapes: int, height: int, width: int) -> None:
        """Begins with sprites in the middle, half as wide as the picture.

        Args:
            shapes: number of templates.
            height: of a picture in pixels.
            width: of a picture in pixels.
        """
        super().__init__()
        self.register_buffer("start", torch.tensor([width / 2, height / 2]))
        self.register_buffer("pitch", torch.ones(2))
        self.register_buffer("centroid", torch.zeros(shapes, 2))
        self.register_buffer("sense", torch.tensor(1.0))
        self.register_buffer("size", torch.tensor(min(height, width) / 4))
        self.register_buffer("area", torch.ones(shapes))

    def fit(self, planes: Planes, values: Values) -> None:
        """Finds the map from pictures whose values are known.

        The centroid of a picture is linear in 4 + 2 K unknowns, for K shapes: where the places
        begin and how far apart they are, and where each shape's centroid lies in its frame,

            x = x_0 + x_1 p + s (u cos t + v sin t),    y = y_0 + y_1 q + s (v cos t - u sin t),

        at places p and q, scale s and turn t. Least squares solve this for either sense of the
        turn, and the one that leaves less is kept. A dozen pictures settle it.

        Args:
            planes: pictures of one channel, each of one whole sprite.
            values: of each.

        Raises:
            UsageError: a picture is black.
        """
        found = localize(planes[:, None])
        if not bool((found.area > 0).all()):
            raise UsageError(
                f"{int((found.area == 0).sum())} of {len(planes)} labelled pictures are black; "
                f"label such as show a sprite."
            )
        target = torch.cat([found.x, found.y]).double()
        fits = [_least_squares(target, values, sense, len(self.centroid)) for sense in (1.0, -1.0)]
        _, sense, solved = min(fits, key=lambda fit: fit[0])
        self.sense.fill_(sense)
        self.start.copy_(solved[[0, 2]])
        self.pitch.copy_(solved[[1, 3]])
        self.centroid.copy_(solved[4:].view(-1, 2))
        unit = (found.area / values.scale.square()).sqrt()
        for shape in values.shape.unique():
            self.area[shape] = unit[values.shape == shape].square().mean()
        self.size.fill_(MARGIN * _farthest(planes, self.pose(values), values.scale))
        self.centroid /= self.size

    def pose(self, values: Values) -> Pose:
        """Returns the pose of the frame of each sprite."""
        return Pose(
            self.start[0] + self.pitch[0] * values.x,
            self.start[1] + self.pitch[1] * values.y,
            self.size * values.scale,
            self.sense * values.turn,
        )

    def places_from_centroid(
        self, shape: Int[Tensor, " *batch"], scale: Numbers, turn: Numbers, x: Numbers, y: Numbers
    ) -> tuple[Numbers, Numbers]:
        """Returns the places of sprites whose centroid is at x and y, in pixels."""
        around = Pose(0 * x, 0 * y, self.size * scale, self.sense * turn)
        right, down = around.point(self.centroid[shape, 0], self.centroid[shape, 1])
        return (
            (x - right - self.start[0]) / self.pitch[0],
            (y - down - self.start[1]) / self.pitch[1],
        )


def _least_squares(
    target: Float[Tensor, " equation"], values: Values, sense: float, shapes: int
) -> tuple[float, float, Float[Tensor, " unknown"]]:
    """What is left, the sense, and x_0, x_1, y_0, y_1 and the centroids, in pixels at scale 1."""
    shape, scale, turn, x, y = (numbers.double() for numbers in values)
    cos, sin = scale * (sense * turn).cos(), scale * (sense * turn).sin()
    own = (shape[:, None] == torch.arange(shapes)).double()
    one, none = torch.ones_like(x), torch.zeros_like(x)
    across = [one, x, none, none, *_each(own, cos, sin)]
    down = [none, none, one, y, *_each(own, -sin, cos)]
    matrix = torch.cat([torch.stack(across, dim=1), torch.stack(down, dim=1)])
    # of a shape without a picture, or of few pictures in a row, the least numbers are taken
    solved = torch.linalg.lstsq(matrix, target[:, None], driver="gelsd").solution[:, 0]
    return float((matrix @ solved - target).square().sum()), sense, solved.float()


def _each(own: Float[Tensor, "batch shape"], first: Tensor, second: Tensor) -> list[Tensor]:
    """A column for each of the two numbers of each shape."""
    return [column * part for column in own.T for part in (first, second)]


def _farthest(planes: Planes, pose: Pose, scale: Float[Tensor, " batch"]) -> float:
    """Largest distance of a bright pixel from the origin, in pixels at scale 1."""
    height, width = planes.shape[1:]
    right = torch.arange(width) + 0.5 - pose.x[:, None]
    down = torch.arange(height) + 0.5 - pose.y[:, None]
    away = torch.hypot(right[:, None, :], down[:, :, None]) * (planes > 0.5)
    return float((away.amax(dim=(1, 2)) / scale).max())
