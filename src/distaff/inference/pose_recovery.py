"""Finding the pose of a sprite by gradient descent through a sampler."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from distaff.errors import UsageError
from distaff.nets.renderer.pose import Pose, frame_points
from distaff.nets.samplers import (
    annealed,
    bilinear_sample,
    gaussian_blur,
    linearized_sample,
    mip_map_sample,
    smooth_sample,
)
from distaff.types import Images

SAMPLERS = ("bilinear", "mip-map", "linearised", "smooth")
FIRST_SIGMA, LAST_SIGMA = 24.0, 0.4
"""Pixels by which pictures are smoothed at the first and at the last step."""
EDGE = 1.0
"""Cells by which a template is smoothed, at most, before it is read."""
MARGIN = 3
"""Widths of smoothing by which both pictures are enlarged with black: near a border a sprite would
sooner leave the picture, which also makes the difference less, than cross it."""
TURNING_SIGMA = 4.0
"""Pixels of smoothing from which on turn and size move: a sprite that is far off would shrink."""
BETAS = (0.6, 0.9)
"""Of Adam. Little memory: the loss changes its shape as it is annealed."""
Templates = Float[Tensor, "trial side side"]
Targets = Float[Tensor, "trial height width"]


class Recovered(NamedTuple):
    """Where descents came to their end, each [trial]."""

    pose: Pose
    difference: Float[Tensor, " trial"]
    """Mean squared difference of the pixels of the two pictures, not smoothed."""


def recover_pose(
    templates: Templates,
    targets: Targets,
    start: Pose,
    *,
    sampler: str,
    steps: int = 150,
    seed: int = 0,
) -> Recovered:
    """Moves, turns and scales a template until its picture is the target, by Adam.

    It minimises the mean squared difference of the two pictures over place, turn and the logarithm
    of the size. With `smooth` template and target are smoothed by a Gaussian whose width is
    annealed from 24 pixels to 0.4; with `mip-map` both are read from levels of a pyramid, annealed
    alike; `linearised` draws points around each one as far apart; `bilinear` takes them as they
    are. Steps are a tenth as long as what is smoothed; turn and size move once that is 4 pixels.

    Args:
        templates: of each trial, in [0, 1].
        targets: what is to be drawn.
        start: poses of the frames at which descents begin, in pixels.
        sampler: how the template is read.
        steps: of Adam.
        seed: of the points that `linearised` draws.

    Raises:
        UsageError: there is no such sampler.
    """
    if sampler not in SAMPLERS:
        raise UsageError(f"no sampler {sampler!r}; choose of {', '.join(SAMPLERS)}.")
    place = torch.stack([start.x, start.y]).clone().requires_grad_()
    shape = torch.stack([start.turn, start.size.log()]).clone().requires_grad_()
    adam = torch.optim.Adam([{"params": [place]}, {"params": [shape]}], betas=BETAS)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        sigma = annealed(step, steps, FIRST_SIGMA, LAST_SIGMA)
        adam.param_groups[0]["lr"] = 0.1 * sigma
        adam.param_groups[1]["lr"] = 0.02 * sigma if sigma < TURNING_SIGMA else 0.0
        pose = _pose(place, shape)
        difference = _difference(sampler, templates, targets, pose, sigma, generator)
        adam.zero_grad()
        difference.sum().backward()
        adam.step()
    with torch.no_grad():
        pose = _pose(place, shape)
        difference = _difference("bilinear", templates, targets, pose, 0.0, generator)
    return Recovered(pose, difference)


def best_of_turns(
    templates: Templates,
    targets: Targets,
    start: Pose,
    turns: int,
    descend: Callable[[Templates, Targets, Pose], Recovered],
) -> Recovered:
    """Descends from several turns, evenly over a circle, and keeps the end that differs least.

    Args:
        templates: of each trial.
        targets: what is to be drawn.
        start: the poses; each turn is added to theirs.
        turns: how many starts.
        descend: `recover_pose` with its settings.
    """
    ends = [
        descend(templates, targets, start._replace(turn=start.turn + k * 2 * math.pi / turns))
        for k in range(turns)
    ]
    differences = torch.stack([end.difference for end in ends])
    best = differences.argmin(dim=0, keepdim=True)
    pose = Pose(
        *(
            torch.stack(numbers).gather(0, best)[0]
            for numbers in zip(*(end.pose for end in ends), strict=True)
        )
    )
    return Recovered(pose, differences.gather(0, best)[0])


def difference_at(
    templates: Templates, targets: Targets, pose: Pose, sigma: float
) -> Float[Tensor, " trial"]:
    """Returns the mean squared difference of the smoothed pictures, for a look at its landscape."""
    return _difference("smooth", templates, targets, pose, sigma, torch.Generator())


def _pose(place: Float[Tensor, "2 trial"], shape: Float[Tensor, "2 trial"]) -> Pose:
    return Pose(place[0], place[1], shape[1].exp(), shape[0])


def _difference(
    sampler: str,
    templates: Templates,
    targets: Targets,
    pose: Pose,
    sigma: float,
    generator: torch.Generator,
) -> Float[Tensor, " trial"]:
    margin = math.ceil(MARGIN * sigma)
    target = functional.pad(targets[:, None], [margin] * 4)
    grid = torch.stack(frame_points(pose.moved(margin, margin), *target.shape[2:]), dim=-1)
    source = templates[:, None]
    if sampler == "linearised":
        # as far apart in the frame as sigma is in the picture
        spread = sigma / float(pose.size.detach().mean())
        drawn = linearized_sample(source, grid, spread, generator)
    elif sampler == "smooth":
        # sharp edges, read bilinearly, have gradients that jump as they pass from pixel to pixel
        cells = min(sigma, EDGE)
        drawn = gaussian_blur(smooth_sample(source, grid, cells), sigma)
        edge = cells * 2 * pose.size.detach() / source.shape[-1]
        target = gaussian_blur(target, (sigma**2 + edge.square()).sqrt())
    else:
        drawn = bilinear_sample(source, grid)
    if sampler == "mip-map":
        same = _identity(target)
        level = math.log2(max(1.0, 2 * sigma))
        drawn, target = (mip_map_sample(each, same, level) for each in (drawn, target))
    # as the pictures become smooth they become faint; Adam does not see a factor
    squares: Tensor = (drawn - target).square().sum(dim=(1, 2, 3)) / targets[0].numel()
    return squares


def _identity(pictures: Images) -> Float[Tensor, "trial height width 2"]:
    """The grid that reads every pixel where it is."""
    rows, columns = pictures.shape[2:]
    down = (2 * torch.arange(rows) + 1) / rows - 1
    right = (2 * torch.arange(columns) + 1) / columns - 1
    grid = torch.stack(torch.meshgrid(right, down, indexing="xy"), dim=-1)
    return grid.expand(len(pictures), -1, -1, -1)
