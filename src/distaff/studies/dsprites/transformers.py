"""Task 4: which samplers let gradient descent find a pose, and from how far."""

import math
import time
from functools import partial

import torch
from scipy.stats import binomtest
from torch import Tensor

from distaff.data.drawing.shapes import draw_shapes
from distaff.figures.pose_recovery import pose_recovery
from distaff.inference.pose_recovery import (
    SAMPLERS,
    Recovered,
    best_of_turns,
    difference_at,
    recover_pose,
)
from distaff.nets.renderer.pose import Pose
from distaff.studies.study import Results, StudyContext

DISTANCES = ((0, 4), (4, 8), (8, 16), (16, 32))
"""Pixels between the sprite and where the descent begins."""
HALF = 0.5
"""Pixels, and degrees below, within which a pose counts as found."""
DEGREES = 5.0
HEART = 2
CENTROID = (0.0, -1.99 / 32)
"""Of the heart in a frame of 64 pixels: the place that is asked for whatever the turn."""
SIGMAS = (0.4, 2.0, 4.0, 8.0, 16.0)
TURNS = 8
CHUNK = 50


def transformers(bench: StudyContext, trials: int) -> Results:
    """How often place and turn are found, and the landscape that descents walk on."""
    cells: dict[str, dict[str, dict[str, float]]] = {}
    for sampler in SAMPLERS:
        cells[sampler] = {
            f"{low} to {high}": _cell(sampler, trials, (low, high)) for low, high in DISTANCES
        }
    anywhere = _cell("smooth", trials, None)
    several = _cell("smooth", max(1, trials // TURNS), None, turns=TURNS)
    landscape = _landscape()
    bench.draw(
        "task4",
        pose_recovery(
            {
                sampler: {
                    where: (cell["place"], cell["low"], cell["high"]) for where, cell in own.items()
                }
                for sampler, own in cells.items()
            },
            landscape,
        ),
        f"Left: how often a heart at random is found to half a pixel by gradient descent through "
        f"each sampler, against the distance in pixels at which it begins, of {trials} trials with "
        f"95 % intervals. Right: the difference of the two pictures against their distance, each "
        f"curve as a share of its largest value, for several widths of smoothing.",
    )
    return {"trials": trials, "cells": cells, "anywhere": anywhere, "several": several}


def _cell(
    sampler: str, trials: int, distance: tuple[float, float] | None, *, turns: int = 1
) -> dict[str, float]:
    begin = time.monotonic()
    generator = torch.Generator().manual_seed(trials)
    places, angles = [], []
    for count in [CHUNK] * (trials // CHUNK) + ([trials % CHUNK] if trials % CHUNK else []):
        true, targets = _sprites(count, generator)
        start = _start(true, distance, generator)
        found = _descend(sampler, targets, start, turns)
        centres = [
            pose.point(*(torch.tensor(part) for part in CENTROID)) for pose in (found.pose, true)
        ]
        places.append(torch.hypot(*(a - b for a, b in zip(*centres, strict=True))))
        apart = found.pose.turn - true.turn
        angles.append(torch.atan2(apart.sin(), apart.cos()).abs())
    near, turned = torch.cat(places) < HALF, torch.cat(angles) < math.radians(DEGREES)
    interval = binomtest(int(near.sum()), trials).proportion_ci(method="wilson")
    return {
        "place": float(near.float().mean()),
        "low": float(interval.low),
        "high": float(interval.high),
        "turn": float(turned.float().mean()),
        "seconds": (time.monotonic() - begin) / trials,
    }


def _descend(sampler: str, targets: Tensor, start: Pose, turns: int) -> Recovered:
    template = _template().expand(len(targets), -1, -1)
    return best_of_turns(template, targets, start, turns, partial(recover_pose, sampler=sampler))


def _template() -> Tensor:
    """A heart in a frame as wide as the picture, upright and as large as any."""
    one, middle = torch.ones(1), torch.full((1,), 0.5)
    return draw_shapes(torch.tensor([HEART]), one, 0 * one, middle, middle, samples=2).float()


def _sprites(count: int, generator: torch.Generator) -> tuple[Pose, Tensor]:
    scale, turn, x, y = torch.rand(4, count, generator=generator)
    scale, turn = 0.5 + 0.5 * scale, 2 * math.pi * turn
    targets = draw_shapes(torch.full((count,), HEART), scale, turn, x, y).float()
    return Pose(16 + 32 * x, 16 + 32 * y, 32 * scale, turn), targets


def _start(true: Pose, distance: tuple[float, float] | None, generator: torch.Generator) -> Pose:
    """Poses so far away, at a random turn and size; for no distance anywhere in the picture."""
    first, second, size, turn = torch.rand(4, len(true.x), generator=generator)
    if distance is None:
        x, y = 64 * first, 64 * second
    else:
        away = distance[0] + (distance[1] - distance[0]) * first
        x = true.x + away * (2 * math.pi * second).cos()
        y = true.y + away * (2 * math.pi * second).sin()
    return Pose(x, y, 32 * (0.5 + 0.5 * size), 2 * math.pi * turn)


def _landscape() -> dict[float, tuple[list[float], list[float]]]:
    """The difference of two hearts against their distance, for each width of smoothing."""
    steps = torch.arange(0, 33).float()
    pose = Pose(*(torch.full_like(steps, number) for number in (16.0, 32.0, 32 * 0.75, 0.0)))
    place = torch.full((1,), 0.5)
    target = draw_shapes(torch.tensor([HEART]), 0.75 + 0 * place, 0 * place, 0 * place, place)
    targets, template = (some.float().expand(len(steps), -1, -1) for some in (target, _template()))
    found = {}
    with torch.no_grad():
        for sigma in SIGMAS:
            numbers = difference_at(template, targets, pose.moved(steps, 0.0), sigma)
            found[sigma] = (steps.tolist(), (numbers / numbers.max()).tolist())
    return found
