"""Render and compare: the poses under which templates explain pictures best."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from distaff.nets.renderer.extractor import window
from distaff.nets.renderer.pose import Pose, frame_points
from distaff.nets.samplers import bilinear_sample

Planes = Float[Tensor, "batch height width"]
POINTS = 2_000_000
"""Pixels drawn at once, at most: 8 MB for each number of theirs."""
REACH = 2
"""Steps to either side of a pose that are tried."""
NEVER = 0.01
"""Probability of a pixel that no template speaks for."""


def log_likelihood(
    planes: Planes,
    templates: Float[Tensor, "slot side side"],
    slots: Int[Tensor, "batch candidate"],
    poses: Pose,
) -> Float[Tensor, "batch candidate"]:
    """Returns log p(picture | slot, pose) of several candidates for each picture, in nats.

    Pixels are independent and bright with the probability that the template has there, kept between
    0.01 and 0.99; a grey one counts as that share of a bright one.

    Args:
        planes: pictures of one channel, in [0, 1].
        templates: in [0, 1].
        slots: index of the template.
        poses: numbers of [batch, candidate].
    """
    found = torch.empty_like(poses.x)
    height, width = planes.shape[1:]
    at_once = max(1, POINTS // (height * width))
    for index, template in enumerate(templates):
        # a template is not copied for each candidate: all are points of one picture
        for some in (slots == index).nonzero().split(at_once):
            row, column = some.unbind(dim=1)
            pose = Pose(*(numbers[row, column] for numbers in poses))
            u, v = frame_points(pose, height, width)
            grid = torch.stack([u, v], dim=-1).flatten(0, 1)
            bright = bilinear_sample(template[None, None], grid[None]).view(u.shape)
            bright = bright.clamp(NEVER, 1 - NEVER)
            pictures = planes[row]
            nats = pictures * bright.log() + (1 - pictures) * (1 - bright).log()
            found[row, column] = nats.sum(dim=(1, 2))
    return found


def log_likelihood_of_whole(
    planes: Planes,
    templates: Float[Tensor, "slot side side"],
    slot: Int[Tensor, " batch"],
    pose: Pose,
    side: int,
) -> Float[Tensor, " batch"]:
    """Returns log p(picture | slot, pose), in nats, of whole pictures.

    Only a square is drawn; bright pixels outside of it speak against every template.

    Args:
        planes: pictures of one channel, in [0, 1].
        templates: in [0, 1].
        slot: index of the template of each picture.
        pose: of each.
        side: of the square of pixels around the pose that is drawn.
    """
    cut, left, top = window(planes, pose.x, pose.y, side)
    here = pose.moved(-left.float(), -top.float())
    one = Pose(*(numbers[:, None] for numbers in here))
    inside = log_likelihood(cut, templates, slot[:, None], one)[:, 0]
    return inside + (planes.sum(dim=(1, 2)) - cut.sum(dim=(1, 2))) * math.log(NEVER)


def refine(
    planes: Planes,
    templates: Float[Tensor, "slot side side"],
    slot: Int[Tensor, " batch"],
    pose: Pose,
    *,
    steps: tuple[float, float, float],
    side: int,
) -> Pose:
    """Returns the best poses near those given: turn and size together, then x and y together.

    Args:
        planes: pictures of one channel, in [0, 1].
        templates: in [0, 1].
        slot: index of the template of each picture.
        pose: where the search begins, [batch].
        steps: of x and y in pixels, of size as a share of it, and of turn in radians; two of them
            to either side are tried.
        side: of the square of pixels that is looked at, around the pose; it should hold the sprite
            and a margin.
    """
    cut, left, top = window(planes, pose.x, pose.y, side)
    here = pose.moved(-left.float(), -top.float())
    offsets = torch.arange(-REACH, REACH + 1, dtype=pose.x.dtype, device=pose.x.device)
    first, second = torch.cartesian_prod(offsets, offsets).T
    place, size, turn = steps
    still = torch.zeros_like(first)
    for right, down, grow, rotate in (
        (still, still, first * size, second * turn),
        (first * place, second * place, still, still),
    ):
        tried = Pose(
            here.x[:, None] + right,
            here.y[:, None] + down,
            here.size[:, None] * (1 + grow),
            here.turn[:, None] + rotate,
        )
        slots = slot[:, None].expand_as(tried.x)
        best = log_likelihood(cut, templates, slots, tried).argmax(dim=1, keepdim=True)
        here = Pose(*(numbers.gather(1, best)[:, 0] for numbers in tried))
    return here.moved(left.float(), top.float())
