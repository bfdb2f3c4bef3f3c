"""Descents to a pose: from near and far, and against finite differences."""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch

from distaff.data.drawing.shapes import draw_shapes
from distaff.errors import UsageError
from distaff.inference.pose_recovery import best_of_turns, difference_at, recover_pose
from distaff.nets.renderer.pose import Pose

COUNT = 24


def template() -> torch.Tensor:
    one, middle = torch.ones(1), torch.full((1,), 0.5)
    return draw_shapes(torch.tensor([2]), one, 0 * one, middle, middle, samples=2).float()


def hearts(generator: torch.Generator) -> tuple[Pose, torch.Tensor]:
    scale, turn, x, y = torch.rand(4, COUNT, generator=generator)
    scale, turn = 0.5 + 0.5 * scale, 2 * math.pi * turn
    targets = draw_shapes(torch.full((COUNT,), 2), scale, turn, x, y).float()
    return Pose(16 + 32 * x, 16 + 32 * y, 32 * scale, turn), targets


def found(pose: Pose, true: Pose, *, within: float = 1.0) -> torch.Tensor:
    """Whether the centroid of each heart is found to so many pixels."""
    centres = [each.point(torch.tensor(0.0), torch.tensor(-1.99 / 32)) for each in (pose, true)]
    return torch.hypot(*(a - b for a, b in zip(*centres, strict=True))) < within


def test_smooth_descents_find_places_that_bilinear_ones_do_not(generator: torch.Generator) -> None:
    true, targets = hearts(generator)
    start = true._replace(x=64 - true.x, y=(true.y + 32) % 64)
    ends = {
        sampler: recover_pose(template().expand(COUNT, -1, -1), targets, start, sampler=sampler)
        for sampler in ("smooth", "bilinear")
    }
    assert bool(found(ends["smooth"].pose, true).all())
    assert float(found(ends["bilinear"].pose, true).float().mean()) < 0.7


def test_places_are_found_to_half_a_pixel_from_anywhere(generator: torch.Generator) -> None:
    many = [hearts(generator) for _ in range(4)]
    true = Pose(*(torch.cat(numbers) for numbers in zip(*(pose for pose, _ in many), strict=True)))
    targets = torch.cat([pictures for _, pictures in many])
    x, y, size, turn = torch.rand(4, len(targets), generator=generator)
    start = Pose(64 * x, 64 * y, 16 + 16 * size, 2 * math.pi * turn)
    end = recover_pose(template().expand(len(targets), -1, -1), targets, start, sampler="smooth")
    assert bool(found(end.pose, true, within=0.5).all())


@pytest.mark.slow
def test_eight_turns_to_begin_with_find_the_turn(generator: torch.Generator) -> None:
    true, targets = hearts(generator)
    start = true._replace(turn=true.turn + 2.5)
    descend = partial(recover_pose, sampler="smooth")
    end = best_of_turns(template().expand(COUNT, -1, -1), targets, start, 8, descend)
    apart = torch.atan2((end.pose.turn - true.turn).sin(), (end.pose.turn - true.turn).cos())
    assert math.degrees(float(apart.abs().max())) < 5


def test_the_difference_is_lowest_at_the_true_pose_and_falls_towards_it(
    generator: torch.Generator,
) -> None:
    true, targets = hearts(generator)
    many = template().expand(COUNT, -1, -1)
    at = [difference_at(many, targets, true.moved(step, 0.0), 8.0) for step in (0, 4, 12, 24)]
    assert all(bool((near < far).all()) for near, far in pairwise(at))


def test_the_landscape_is_that_of_two_blobs() -> None:
    """1 - exp(-d^2 / 4 (sigma^2 + s^2)) for blobs of width s, here a Gaussian drawn at 64 x 64."""
    place = torch.arange(64) + 0.5 - 32
    width, sigma = 3.0, 4.0
    blob = (-(place[:, None].square() + place.square()) / (2 * width**2)).exp()[None]
    steps = torch.arange(1, 13).float()
    pose = Pose(*(torch.full_like(steps, number) for number in (32.0, 32.0, 32.0, 0.0)))
    many = blob.expand(len(steps), -1, -1)
    differences = difference_at(many, many, pose.moved(steps, 0.0), sigma)
    expected = 1 - (-steps.square() / (4 * (sigma**2 + width**2))).exp()
    shares = differences / differences[-1]
    assert torch.allclose(shares, expected / expected[-1], atol=0.02)


def test_a_coarse_template_and_its_target_are_smoothed_alike() -> None:
    """Cells of four pixels, which smooth a template more than the target's own."""

    def blob(side: int, width: float) -> torch.Tensor:
        place = torch.arange(side) + 0.5 - side / 2
        return (-(place[:, None].square() + place.square()) / (2 * width**2)).exp()[None]

    sizes = torch.tensor([26.0, 29.0, 32.0, 35.0, 38.0])
    middle = torch.full_like(sizes, 32.0)
    targets = blob(64, 6.0).expand(len(sizes), -1, -1)
    coarse = blob(16, 6.0 / 4).expand(len(sizes), -1, -1)
    differences = difference_at(coarse, targets, Pose(middle, middle, sizes, 0 * sizes), 1.0)
    assert bool((differences[2] < 0.1 * differences[[0, 1, 3, 4]]).all())


def test_an_unknown_sampler_is_refused() -> None:
    one = torch.ones(1)
    with pytest.raises(UsageError, match="no sampler 'cubic'; choose of bilinear, mip-map"):
        recover_pose(
            torch.zeros(1, 8, 8), torch.zeros(1, 8, 8), Pose(one, one, one, one), sampler="cubic"
        )
