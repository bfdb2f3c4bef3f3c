"""Against moments of the standard normal, which are known."""

import math
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from distaff.probability.spherical_radial import spherical_radial


def drawn(function: Any, latents: Any, seeds: Any, least: Any = 4) -> Any:
    """What the rule says of a function of points, for several seeds."""
    values = []
    for seed in range(seeds):
        points, weights = spherical_radial(least, latents, torch.Generator().manual_seed(seed))
        values.append((weights * function(points)).sum())
    return torch.stack(values)


@pytest.mark.parametrize("latents", [1, 2, 7, 40])
def test_cubic_polynomials_have_their_expectation_with_every_seed(latents: int) -> None:
    generator = torch.Generator().manual_seed(9)
    matrix = torch.randn(latents, latents, generator=generator, dtype=torch.float64)
    slope = torch.randn(latents, generator=generator, dtype=torch.float64)

    def polynomial(e: Any) -> Any:
        return 3 + e @ slope + ((e @ matrix) * e).sum(dim=1) + (e @ slope) ** 3

    expected = (3 + matrix.trace()).expand(20)
    assert_close(drawn(polynomial, latents, 20), expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("latents", [1, 3, 10])
def test_other_functions_have_theirs_on_average(latents: int) -> None:
    """E e^4 = 3, E cos(a.e) = exp(-|a|^2/2)."""
    slope = torch.linspace(0.3, 0.6, latents, dtype=torch.float64)
    for function, expected in (
        (lambda e: e[:, 0] ** 4, 3.0),
        (lambda e: (e @ slope).cos(), math.exp(-slope.square().sum().item() / 2)),
    ):
        values = drawn(function, latents, 4000)
        error = values.std().item() / len(values) ** 0.5
        assert values.mean().item() == pytest.approx(expected, abs=4 * error)
        assert error < 0.1


def test_there_are_as_many_points_as_asked_for_or_one_rotation() -> None:
    for least, latents, points in ((32, 2, 33), (32, 10, 41), (32, 30, 61), (1, 1, 3)):
        rule = spherical_radial(least, latents, torch.Generator().manual_seed(0))
        assert rule.points.shape == (points, latents)
        assert rule.weights.sum().item() == pytest.approx(1)
