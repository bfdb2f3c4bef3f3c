"""Localizer, extractor, memory and renderer, on boxes, crops and turns that are known."""

import math
from itertools import pairwise

import pytest
import torch
from scipy import ndimage
from torch import Tensor

from distaff.data.drawing.shapes import draw_shapes
from distaff.nets.renderer.comparison import (
    log_likelihood,
    log_likelihood_of_whole,
    refine,
)
from distaff.nets.renderer.extractor import polar_crop, window
from distaff.nets.renderer.localizer import localize
from distaff.nets.renderer.memory import Memory, splat
from distaff.nets.renderer.pose import Pose, frame_points
from distaff.nets.renderer.renderer import render
from distaff.nets.renderer.symmetry import frame_origin, symmetry_order


def hearts(count: int, generator: torch.Generator, shape: int = 2) -> tuple[Tensor, Pose]:
    """Pictures of a shape at random, and the pose of a frame of 1.6 half squares."""
    scale, turn, x, y = torch.rand(4, count, generator=generator)
    scale, turn = 0.5 + 0.5 * scale, turn * 2 * math.pi
    pictures = draw_shapes(torch.full((count,), shape), scale, turn, x, y).float()
    return pictures, Pose(16 + 32 * x, 16 + 32 * y, scale * 9.6 * 1.6, turn)


def test_the_localizer_finds_boxes_as_scipy_finds_their_centre_of_mass() -> None:
    pictures = torch.zeros(3, 1, 20, 30)
    pictures[0, 0, 2:6, 5:15] = 1
    pictures[1, 0, 10:19, 1:4] = 0.5
    found = localize(pictures)
    for index in range(2):
        row, column = ndimage.center_of_mass(pictures[index, 0].numpy())
        assert (float(found.y[index]), float(found.x[index])) == pytest.approx(
            (row + 0.5, column + 0.5), abs=1e-4
        )
    assert found.area.tolist() == [40, 13.5, 0]
    assert (float(found.x[2]), float(found.y[2])) == (15, 10)


def test_the_localizer_is_differentiable() -> None:
    pictures = torch.rand(2, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda pixels: tuple(localize(pixels)), (pictures,))


def test_a_turned_picture_gives_shifted_rings() -> None:
    picture = torch.rand(1, 33, 33)
    middle, reach = torch.tensor([16.5]), torch.tensor([12.0])
    first, turned = (
        polar_crop(plane, middle, middle, reach, radii=5, angles=16)
        for plane in (picture, torch.rot90(picture, 1, dims=(1, 2)))
    )
    assert torch.allclose(turned, first.roll(4, dims=2), atol=1e-5)


def test_rings_read_what_a_plain_loop_reads(generator: torch.Generator) -> None:
    picture = torch.rand(1, 12, 14, generator=generator)
    rings = polar_crop(
        picture, torch.tensor([7.2]), torch.tensor([5.1]), torch.tensor([4.0]), radii=3, angles=8
    )
    for radius in range(3):
        for angle in range(8):
            length, turn = 4.0 * (radius + 0.5) / 3, 2 * math.pi * angle / 8
            where = [[5.1 - length * math.sin(turn) - 0.5], [7.2 + length * math.cos(turn) - 0.5]]
            expected = ndimage.map_coordinates(picture[0].numpy(), where, order=1)[0]
            assert float(rings[0, radius, angle]) == pytest.approx(expected, abs=1e-4)


def test_rings_are_differentiable_in_pixels_and_place() -> None:
    pixels = torch.rand(2, 9, 9, dtype=torch.float64, requires_grad=True)
    place = torch.tensor([[4.3, 4.9], [4.1, 4.6]], dtype=torch.float64, requires_grad=True)
    reach = torch.tensor([2.9, 3.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda planes, where, far: polar_crop(planes, where[0], where[1], far, radii=2, angles=5),
        (pixels, place, reach),
    )


def test_a_window_is_the_pixels_around_a_point_and_black_beyond() -> None:
    picture = torch.arange(1.0, 26.0).view(1, 5, 5)
    cut, left, top = window(picture, torch.tensor([2.5]), torch.tensor([0.5]), 3)
    assert (int(left), int(top)) == (1, -1)
    assert cut[0].tolist() == [[0, 0, 0], [2, 3, 4], [7, 8, 9]]


def test_a_pose_and_the_points_of_its_frame_are_inverse(generator: torch.Generator) -> None:
    pose = Pose(*(torch.rand(4, 7, generator=generator) + torch.tensor([[9], [8], [5], [1]])))
    u, v = frame_points(pose, 4, 6)
    across = Pose(*(part[:, None, None] for part in pose)).point(u, v)
    columns, rows = torch.meshgrid(torch.arange(6) + 0.5, torch.arange(4) + 0.5, indexing="xy")
    assert torch.allclose(across[0], columns.expand(7, -1, -1), atol=1e-4)
    assert torch.allclose(across[1], rows.expand(7, -1, -1), atol=1e-4)


def test_a_pose_places_a_corner_where_dsprites_does() -> None:
    """dSprites turns counter-clockwise: the right corner of a turned square goes up."""
    pose = Pose(*(torch.tensor([part]) for part in (20.0, 30.0, 10.0, math.pi / 2)))
    x, y = pose.point(torch.tensor([1.0]), torch.tensor([0.0]))
    assert (float(x), float(y)) == pytest.approx((20, 20), abs=1e-4)


def test_memory_reads_the_mean_of_its_templates_under_an_address() -> None:
    memory = Memory(3, 4)
    templates = torch.rand(3, 4, 4) * 0.9 + 0.05
    memory.write(templates)
    address = torch.tensor([[1.0, 0, 0], [0.25, 0.25, 0.5]])
    expected = torch.stack([templates[0], templates[0] / 4 + templates[1] / 4 + templates[2] / 2])
    assert torch.allclose(memory(address), expected, atol=1e-6)
    memory(address).sum().backward()
    assert memory.logits.grad is not None


def test_what_is_splatted_from_pictures_draws_them_again(generator: torch.Generator) -> None:
    """Splatting is the inverse of the renderer: unseen pictures come out with few wrong pixels."""
    pictures, pose = hearts(600, generator)
    slot = torch.zeros(600, dtype=torch.int64)
    seen = torch.arange(500)
    templates = splat(pictures[seen], slot[seen], pose.at(seen), slots=1, side=120)
    others = torch.arange(500, 600)
    drawn = render(templates.expand(100, -1, -1), pose.at(others), 64, 64)
    wrong = ((drawn > 0.5) != (pictures[others] > 0.5)).sum(dim=(1, 2)).float()
    assert float(wrong.mean()) < 1.5


def test_a_cell_without_a_pixel_takes_the_mean_of_those_around_it() -> None:
    pose = Pose(*(torch.tensor([part]) for part in (1.0, 1.0, 1.0, 0.0)))
    picture = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    templates = splat(picture, torch.tensor([0]), pose, slots=2, side=4)
    # pixels of two columns, at -0.5 and 0.5, fall into the second and the last cell
    assert templates[0, 1].tolist() == [1, 1, 0.5, 0]
    assert float(templates[1].abs().sum()) == 0


def test_the_renderer_is_differentiable_in_template_and_pose() -> None:
    templates = torch.rand(2, 6, 6, dtype=torch.float64, requires_grad=True)
    numbers = [
        torch.tensor(pair, dtype=torch.float64, requires_grad=True)
        for pair in ([3.9, 4.2], [4.4, 3.7], [3.3, 2.9], [0.3, 1.9])
    ]
    assert torch.autograd.gradcheck(
        lambda plane, *pose: render(plane, Pose(*pose), 8, 8), (templates, *numbers)
    )


def test_the_renderer_draws_what_scipy_draws(generator: torch.Generator) -> None:
    template = ndimage.gaussian_filter(torch.rand(9, 9, generator=generator).numpy(), 1)
    pose = Pose(*(torch.tensor([part]) for part in (10.3, 8.8, 5.0, 0.7)))
    drawn = render(torch.from_numpy(template)[None], pose, 18, 20)[0]
    u, v = frame_points(pose, 18, 20)
    where = [(part[0] + 1) * 4.5 - 0.5 for part in (v, u)]
    expected = torch.from_numpy(ndimage.map_coordinates(template, where, order=1))
    inside = (u[0].abs() < 0.85) & (v[0].abs() < 0.85)
    assert torch.allclose(drawn[inside], expected[inside], atol=1e-5)


def test_log_likelihood_is_that_of_independent_pixels(generator: torch.Generator) -> None:
    pictures, pose = hearts(5, generator)
    templates = torch.rand(2, 30, 30, generator=generator)
    slot = torch.tensor([0, 1, 1, 0, 1])
    tried = Pose(*(torch.stack([part, part * 1.01], dim=1) for part in pose))
    slots = torch.stack([slot, slot], dim=1)
    found = log_likelihood(pictures, templates, slots, tried)
    for index in range(5):
        for candidate in range(2):
            one = Pose(*(part[index : index + 1, candidate] for part in tried))
            bright = render(templates[slot[index]][None], one, 64, 64).clamp(0.01, 0.99)
            expected = torch.distributions.Bernoulli(bright).log_prob(pictures[index])
            assert float(found[index, candidate]) == pytest.approx(float(expected.sum()), rel=1e-4)


def test_poses_that_are_off_are_corrected(generator: torch.Generator) -> None:
    pictures, pose = hearts(300, generator)
    slot = torch.zeros(300, dtype=torch.int64)
    templates = splat(pictures, slot, pose, slots=1, side=160)
    off = Pose(pose.x + 0.2, pose.y - 0.15, pose.size * 1.04, pose.turn + 0.06)
    found = off
    scores = [log_likelihood_of_whole(pictures, templates, slot, off, 34)]
    for steps in ((0.4, 0.03, 0.04), (0.1, 0.01, 0.01)):
        found = refine(pictures, templates, slot, found, steps=steps, side=34)
        scores.append(log_likelihood_of_whole(pictures, templates, slot, found, 34))
    assert float((found.x - pose.x).abs().mean()) < 0.08
    assert float((found.turn - pose.turn).abs().mean()) < 0.03
    # a picture whose corrected pose moves the square by a pixel may lose what its corner shows
    assert all((later >= earlier - 0.5).all() for earlier, later in pairwise(scores))


def test_bright_pixels_that_are_not_drawn_speak_against_a_pose(generator: torch.Generator) -> None:
    pictures, pose = hearts(4, generator)
    templates = splat(pictures, torch.zeros(4, dtype=torch.int64), pose, slots=1, side=60)
    slot = torch.zeros(4, dtype=torch.int64)
    before = log_likelihood_of_whole(pictures, templates, slot, pose, 34)
    pictures[:, 0, :3] = 1
    after = log_likelihood_of_whole(pictures, templates, slot, pose, 34)
    assert torch.allclose(before - after, torch.full((4,), -3 * math.log(0.01)), atol=0.2)


@pytest.mark.parametrize(("shape", "order"), [(0, 4), (1, 2), (2, 1), (3, 3), (5, 4), (7, 5)])
def test_the_symmetry_of_a_shape_is_seen_in_its_rings(shape: int, order: int) -> None:
    one = torch.ones(1)
    picture = draw_shapes(torch.tensor([shape]), one, 0.3 * one, one / 2, one / 2, size=200)
    found = localize(picture[:, None].float())
    reach = 1.2 * found.area.sqrt()
    rings = polar_crop(picture.float(), found.x, found.y, reach, radii=16, angles=120)
    assert symmetry_order(rings[0]) == order


def test_the_origin_of_a_frame_is_the_point_that_was_placed(generator: torch.Generator) -> None:
    x, y, size, turn = torch.rand(4, 2000, generator=generator, dtype=torch.float64)
    placed = Pose(16 + 32 * x, 16 + 32 * y, 5 + 5 * size, 2 * math.pi * turn)
    # the frame lies so that the placed point is at (0.2, -0.1) of it
    away = Pose(0 * x, 0 * y, placed.size, placed.turn).point(
        torch.full_like(x, 0.2), torch.full_like(x, -0.1)
    )
    frame = placed._replace(x=placed.x - away[0], y=placed.y - away[1])
    assert frame_origin(frame) == pytest.approx((0.2, -0.1), abs=0.01)
