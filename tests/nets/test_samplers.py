"""Samplers against SciPy, plain loops and finite differences."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from distaff.errors import UsageError
from distaff.nets.samplers import (
    annealed,
    bilinear_sample,
    gaussian_blur,
    linearized_sample,
    mip_map_sample,
    smooth_sample,
)


def pictures(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def points(generator: torch.Generator, batch: int = 2) -> torch.Tensor:
    return 1.8 * torch.rand(batch, 4, 5, 2, generator=generator, dtype=torch.float64) - 0.9


def test_bilinear_reads_what_scipy_reads(generator: torch.Generator) -> None:
    images, grid = pictures(generator, 2, 1, 9, 11), 0.8 * points(generator)
    found = bilinear_sample(images, grid)
    for index in range(2):
        x, y = grid[index].unbind(dim=-1)
        where = np.stack([(y + 1) * 4.5 - 0.5, (x + 1) * 5.5 - 0.5])
        expected = ndimage.map_coordinates(images[index, 0].numpy(), where, order=1)
        assert np.allclose(found[index, 0].numpy(), expected)


def test_smooth_without_sigma_is_bilinear_exactly(generator: torch.Generator) -> None:
    images, grid = pictures(generator, 2, 3, 9, 11), points(generator)
    assert torch.equal(smooth_sample(images, grid, 0.0), bilinear_sample(images, grid))


@pytest.mark.parametrize("sigma", [0.6, 1.5, 3.0])
def test_the_blur_is_scipy_s_within_the_picture(sigma: float, generator: torch.Generator) -> None:
    images = pictures(generator, 1, 1, 60, 60)
    found = gaussian_blur(images, sigma)[0, 0].numpy()
    expected = ndimage.gaussian_filter(images[0, 0].numpy(), sigma, truncate=4)
    inside = slice(14, -14)
    assert np.allclose(found[inside, inside], expected[inside, inside], atol=2e-3)


def test_the_blur_is_a_weighted_mean_of_what_there_is(generator: torch.Generator) -> None:
    images, sigma = pictures(generator, 1, 1, 5, 6), 1.2
    found = gaussian_blur(images, sigma)[0, 0]
    for row in range(5):
        for column in range(6):
            total = weight = 0.0
            for i in range(5):
                for j in range(6):
                    far = (i - row, j - column)
                    own = math.exp(-(far[0] ** 2 + far[1] ** 2) / (2 * sigma**2))
                    total, weight = total + own * float(images[0, 0, i, j]), weight + own
            assert float(found[row, column]) == pytest.approx(total / weight, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(sigma=st.floats(0, 20), value=st.floats(0, 1))
def test_a_picture_of_one_brightness_keeps_it(sigma: float, value: float) -> None:
    images = torch.full((1, 1, 7, 9), value, dtype=torch.float64)
    assert torch.allclose(gaussian_blur(images, sigma), images)


def test_each_picture_has_its_own_sigma(generator: torch.Generator) -> None:
    images, grid = pictures(generator, 3, 2, 9, 8), points(generator, 3)
    sigmas = torch.tensor([0.0, 1.0, 2.5], dtype=torch.float64)
    together = smooth_sample(images, grid, sigmas)
    for index, sigma in enumerate(sigmas.tolist()):
        one = slice(index, index + 1)
        assert torch.allclose(together[one], smooth_sample(images[one], grid[one], sigma))


def test_smooth_is_differentiable_in_pictures_grid_and_sigma(generator: torch.Generator) -> None:
    images = pictures(generator, 2, 1, 6, 7).requires_grad_()
    grid = points(generator).requires_grad_()
    sigma = torch.tensor([0.9, 1.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(smooth_sample, (images, grid, sigma))


def test_gradients_at_sigma_zero_are_finite(generator: torch.Generator) -> None:
    sigma = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    images = pictures(generator, 2, 1, 6, 7)
    smooth_sample(images, points(generator), sigma).sum().backward()
    assert sigma.grad is not None
    assert sigma.grad.isfinite().all()


def test_a_level_is_the_mean_of_squares_and_between_two_a_mixture(
    generator: torch.Generator,
) -> None:
    images, grid = pictures(generator, 2, 1, 8, 8), points(generator)
    halves = images.view(2, 1, 4, 2, 4, 2).mean(dim=(3, 5))
    quarters = images.view(2, 1, 2, 4, 2, 4).mean(dim=(3, 5))
    at = [bilinear_sample(some, grid) for some in (images, halves, quarters)]
    for level in range(3):
        assert torch.allclose(mip_map_sample(images, grid, float(level)), at[level])
    assert torch.allclose(mip_map_sample(images, grid, 1.25), 0.75 * at[1] + 0.25 * at[2])


def test_linearized_has_bilinear_s_value_and_the_slope_of_a_plane(
    generator: torch.Generator,
) -> None:
    columns = torch.arange(16, dtype=torch.float64)
    ramp = (0.02 * columns + 0.03 * columns[:, None]).expand(1, 1, 16, 16)
    grid = (0.5 * points(generator, 1)).requires_grad_()
    read = linearized_sample(ramp, grid, 0.05, generator)
    assert torch.allclose(read, bilinear_sample(ramp, grid))
    (slope,) = torch.autograd.grad(read.sum(), grid)
    # a step of 1 in the grid is 8 pixels
    assert torch.allclose(slope[..., 0], torch.full_like(slope[..., 0], 0.16), rtol=1e-3)
    assert torch.allclose(slope[..., 1], torch.full_like(slope[..., 1], 0.24), rtol=1e-3)


def test_linearized_sees_an_edge_that_bilinear_does_not(generator: torch.Generator) -> None:
    images = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    images[..., 20:] = 1
    grid = torch.zeros(1, 1, 1, 2, dtype=torch.float64, requires_grad=True)
    bilinear = torch.autograd.grad(bilinear_sample(images, grid).sum(), grid)[0]
    read = linearized_sample(images, grid, 0.4, generator, points=64)
    (linearized,) = torch.autograd.grad(read.sum(), grid)
    assert float(bilinear[..., 0]) == 0
    assert float(linearized[..., 0]) > 0.1


def test_sigma_falls_by_equal_factors() -> None:
    sigmas = [annealed(step, 5, 8.0, 0.5) for step in range(5)]
    assert sigmas == pytest.approx([8, 4, 2, 1, 0.5])
    assert annealed(9, 5, 8.0, 0.5) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda images, grid: smooth_sample(images, grid, -1.0), "sigma is -1.0"),
        (lambda images, grid: smooth_sample(images, grid, math.nan), "sigma is nan"),
        (lambda images, grid: mip_map_sample(images, grid, -0.5), "level is -0.5"),
        (
            lambda images, grid: linearized_sample(images, grid, 0.0, torch.Generator()),
            "spread is 0.0",
        ),
    ],
)
def test_numbers_that_make_no_sense_are_refused(call: Callable[..., Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        call(torch.zeros(1, 1, 4, 4), torch.zeros(1, 2, 2, 2))
