"""Drawing of dSprites: against genuine images, closed forms and an exact even-odd test."""

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from distaff.data.drawing.polygons import fill_polygons
from distaff.data.drawing.shapes import draw_shapes

SCALES = torch.linspace(0.5, 1, 6, dtype=torch.float64)
ORIENTATIONS = torch.linspace(0, 2 * math.pi, 40, dtype=torch.float64)
POSITIONS = torch.linspace(0, 1, 32, dtype=torch.float64)

coordinate = st.integers(-600, 2400)
polygons = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=9)


def random_factors(count: int, seed: int = 0) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    shape = torch.randint(3, (count,), generator=generator)
    parts = torch.rand(4, count, generator=generator, dtype=torch.float64)
    return shape, 0.5 + 0.5 * parts[0], 2 * math.pi * parts[1], parts[2], parts[3]


def one(shape: int, scale: float, orientation: float = 0.0, x: float = 0.5, y: float = 0.5) -> Any:
    parts = torch.tensor([scale, orientation, x, y], dtype=torch.float64)
    return torch.tensor([shape]), *parts[:, None]


def inside(corners: list[tuple[int, int]], x: int, y: int) -> bool | None:
    """Whether a ray upwards crosses the outline an odd number of times; None on the outline."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        cross = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
        within = min(x0, x1) <= x <= max(x0, x1) and min(y0, y1) <= y <= max(y0, y1)
        if cross == 0 and within:
            return None
        if (x0 <= x) != (x1 <= x):
            crossings += (cross > 0) == (x1 > x0)
    return crossings % 2 == 1


@given(polygons)
def test_fill_agrees_with_a_ray_from_each_pixel(corners: Any) -> None:
    filled = fill_polygons(torch.tensor([corners]), height=6, width=7)[0]
    for row in range(6):
        for column in range(7):
            expected = inside(corners, 256 * column + 128, 256 * row + 128)
            assert expected is None or expected == bool(filled[row, column])


@given(polygons)
def test_parts_of_a_polygon_neither_overlap_nor_leave_gaps(corners: Any) -> None:
    fan = [[corners[0], a, b] for a, b in pairwise(corners[1:])]
    parts = fill_polygons(torch.tensor(fan), height=6, width=7)
    whole = fill_polygons(torch.tensor([corners]), height=6, width=7)[0]
    assert torch.equal(parts.sum(0) % 2, whole.long())


@given(polygons, st.integers(-3, 3), st.integers(-3, 3))
def test_a_polygon_is_cut_at_the_border_and_moves_by_whole_pixels(
    corners: Any, right: Any, down: Any
) -> None:
    vertices = torch.tensor([corners])
    wide = fill_polygons(vertices + 256 * 8, height=30, width=30)
    moved = fill_polygons(vertices + 256 * torch.tensor([right, down]), height=6, width=7)
    assert torch.equal(moved, wide[:, 8 - down : 14 - down, 8 - right : 15 - right])


def test_a_centre_on_the_outline_belongs_to_the_left_and_lower_edges() -> None:
    low, high = 2 * 256 + 128, 5 * 256 + 128
    corners = torch.tensor([[[low, low], [high, low], [high, high], [low, high]]])
    rows, columns = fill_polygons(corners, height=8, width=8)[0].nonzero(as_tuple=True)
    assert rows.unique().tolist() == [3, 4, 5]
    assert columns.unique().tolist() == [2, 3, 4]


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_large_coordinates_do_not_overflow(dtype: Any) -> None:
    far = 2**30 - 1
    corners = torch.tensor([[[-far, -far], [far, -far], [far, far]]], dtype=dtype)
    filled = fill_polygons(corners, height=4, width=5)[0]
    # the long side is the diagonal, whose centres belong to the polygon above it
    assert torch.equal(filled, torch.ones_like(filled).triu())


def test_an_empty_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="0 x 4"):
        fill_polygons(torch.zeros(1, 3, 2, dtype=torch.int64), height=0, width=4)


def test_genuine_images_are_drawn_without_a_wrong_pixel(real_data: Callable[[str], Path]) -> None:
    with np.load(real_data("dsprites/dsprites_reference_images.npz")) as archive:
        latents, images = archive["latents_values"], archive["imgs"]
    values = torch.from_numpy(latents)
    drawn = draw_shapes(values[:, 1].long() - 1, *values[:, 2:].unbind(1))
    assert np.count_nonzero(drawn.numpy() != images) == 0


@pytest.mark.slow
def test_whole_set_has_the_published_number_of_set_pixels() -> None:
    # mean 0.042494423521889584 of all pixels of dSprites, times 737,280 * 64 * 64
    factors = torch.cartesian_prod(
        torch.arange(3.0).double(), SCALES, ORIENTATIONS, POSITIONS, POSITIONS
    )
    total = 0
    for rows in factors.split(2048):
        shape, *others = rows.unbind(1)
        total += int(draw_shapes(shape.long(), *others).sum())
    assert total == pytest.approx(128_328_862, abs=3)


@pytest.mark.parametrize(
    ("shape", "counts"),
    [
        (0, [100, 144, 196, 256, 324, 400]),
        (1, [76, 104, 144, 184, 228, 288]),
        (2, [58, 84, 108, 140, 182, 222]),
    ],
)
def test_upright_shapes_have_the_pixels_of_dsprites(shape: int, counts: Any) -> None:
    zeros = torch.zeros(6)
    images = draw_shapes(torch.full((6,), shape), SCALES, zeros, zeros, zeros)
    assert images.sum((1, 2)).tolist() == counts


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (0, 0.3**2),
        (1, 100 / 2 * math.sin(2 * math.pi / 100) * 0.15**2),
        # the curve 16 sin^3 t, 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t encloses 180 pi
        (2, 180 * math.pi * 0.15 / 16 * 0.15 * 2 / 29),
    ],
)
def test_the_share_of_a_picture_approaches_the_area(shape: int, area: Any) -> None:
    factors = one(shape, 0.8, 0.7, 0.31, 0.64)
    image = draw_shapes(*factors, size=64, samples=8)
    assert image.mean().item() == pytest.approx(0.8**2 * area, rel=2e-3)


def test_samples_average_the_larger_picture() -> None:
    factors = random_factors(20)
    fine = draw_shapes(*factors, size=96).float()
    expected = torch.nn.functional.avg_pool2d(fine[:, None], 3).squeeze(1)
    smooth = draw_shapes(*factors, size=32, samples=3)
    torch.testing.assert_close(smooth, expected)
    assert smooth.min() == 0
    assert smooth.max() == 1


def test_any_split_of_a_batch_draws_the_same() -> None:
    factors = random_factors(50)
    halves = [draw_shapes(*(part[rows] for part in factors)) for rows in (slice(7), slice(7, 50))]
    assert torch.equal(draw_shapes(*factors), torch.cat(halves))


@given(st.integers(0, 2), st.integers(0, 15), st.integers(0, 15), st.floats(0, 7))
@settings(max_examples=30)
def test_a_step_of_position_moves_the_picture_by_whole_pixels(
    shape: Any, right: Any, down: Any, orientation: Any
) -> None:
    # half a picture is the way from 0 to 1, so one pixel of 64 is 1 / 32
    corner = draw_shapes(*one(shape, 0.7, orientation, 0.25, 0.25))
    moved = draw_shapes(*one(shape, 0.7, orientation, 0.25 + right / 32, 0.25 + down / 32))
    assert torch.equal(moved, corner.roll((down, right), (1, 2)))


def test_a_full_turn_changes_nothing_and_a_quarter_turn_goes_counter_clockwise() -> None:
    upright = draw_shapes(*one(2, 1.0))
    assert torch.equal(draw_shapes(*one(2, 1.0, 2 * math.pi)), upright)
    assert torch.equal(draw_shapes(*one(2, 1.0, math.pi / 2)), upright.rot90(1, (1, 2)))


def test_a_shape_outside_the_picture_leaves_it_black() -> None:
    assert not draw_shapes(*one(1, 1.0, x=3.0)).any()


@pytest.mark.parametrize("settings", [{"size": 0}, {"samples": 0}])
def test_pictures_without_pixels_are_refused(settings: Any) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        draw_shapes(*one(0, 1.0), **settings)


def test_unknown_shapes_and_unbounded_factors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[8\] .* 0 to 7"):
        draw_shapes(*one(8, 1.0))
    with pytest.raises(ValueError, match="finite"):
        draw_shapes(*one(0, math.nan))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_device_changes_no_pixel() -> None:
    factors = random_factors(3000)
    drawn = draw_shapes(*(part.cuda() for part in factors))
    assert torch.equal(drawn.cpu(), draw_shapes(*factors))
