from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from distaff.errors import UsageError
from distaff.measures.latent_geometry import (
    affine_r2,
    grid_lines,
    local_distortion,
    most_informative,
    similarity_r2,
)

SQUARE = np.stack(np.meshgrid(np.linspace(0, 1, 21), np.linspace(0, 1, 21)), axis=-1)
POINTS = SQUARE.reshape(-1, 2)


def turn(angle: Any) -> Any:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def test_an_affine_map_is_found_exactly_and_its_distortion_is_that_of_its_matrix() -> None:
    matrix = turn(0.3) @ np.diag([3.0, 0.5]) @ turn(-1.1)
    latents = SQUARE @ matrix.T + [4.0, -1.0]
    assert affine_r2(POINTS, latents.reshape(-1, 2)) == pytest.approx(1, abs=1e-12)
    distortion = local_distortion(SQUARE, latents)
    assert distortion.anisotropy == pytest.approx(np.log(6), abs=1e-9)
    assert distortion.scale_variation == pytest.approx(0, abs=1e-9)
    assert distortion.folded == 0


@pytest.mark.parametrize("mirror", [1, -1])
def test_a_turn_with_or_without_a_mirror_is_a_similarity(mirror: int) -> None:
    latents = 0.2 * SQUARE @ turn(2.0) * [1, mirror] + 7
    assert similarity_r2(POINTS, latents.reshape(-1, 2)) == pytest.approx(1, abs=1e-12)
    assert local_distortion(SQUARE, latents) == pytest.approx((0, 0, 0), abs=1e-9)


@pytest.mark.parametrize("factor", [3.0, 0.25])
def test_scaling_one_factor_is_affine_and_no_similarity(factor: float) -> None:
    """For equal variances of x and y, R² is (1 + c)² / (2 (1 + c²))."""
    latents = POINTS * [factor, 1]
    assert affine_r2(POINTS, latents) == pytest.approx(1, abs=1e-12)
    expected = (1 + factor) ** 2 / (2 * (1 + factor**2))
    assert similarity_r2(POINTS, latents) == pytest.approx(expected, abs=1e-12)


def test_no_other_similarity_comes_closer() -> None:
    rng = np.random.default_rng(0)
    positions, latents = rng.normal(size=(2, 50, 2))
    latents[:, 0] += positions[:, 1]
    centred, moved = positions - positions.mean(axis=0), latents - latents.mean(axis=0)
    errors = []
    for mirror in (1, -1):
        for angle in np.linspace(0, 2 * np.pi, 4000):
            turned = centred @ turn(angle) * [1, mirror]
            scale = (turned * moved).sum() / np.square(turned).sum()
            errors.append(np.square(moved - scale * turned).sum())
    searched = 1 - min(errors) / np.square(moved).sum()
    assert similarity_r2(positions, latents) == pytest.approx(searched, abs=1e-5)


def test_a_bent_map_is_measured_as_a_linear_regression_would() -> None:
    latents = np.stack([POINTS[:, 0] ** 2, np.sin(3 * POINTS[:, 1])], axis=1)
    residual = latents - LinearRegression().fit(POINTS, latents).predict(POINTS)
    expected = 1 - residual.var(axis=0).sum() / latents.var(axis=0).sum()
    assert affine_r2(POINTS, latents) == pytest.approx(expected, abs=1e-10)


def test_a_fold_is_the_share_of_the_smaller_side() -> None:
    latents = np.stack([np.abs(SQUARE[..., 0] - 0.25), SQUARE[..., 1]], axis=-1)
    distortion = local_distortion(SQUARE, latents)
    assert distortion.folded == pytest.approx(0.25)
    assert distortion.anisotropy == pytest.approx(0, abs=1e-9)


def test_an_exponential_stretch_has_the_closed_form() -> None:
    """x to exp(x): on a cell of width h the slope is exp(x) sinh(h/2) / (h/2) at its middle."""
    latents = np.stack([np.exp(SQUARE[..., 0]), SQUARE[..., 1]], axis=-1)
    slope = np.exp(np.arange(0.025, 1, 0.05)) * np.sinh(0.025) / 0.025
    distortion = local_distortion(SQUARE, latents)
    assert distortion.anisotropy == pytest.approx(np.abs(np.log(slope)).mean(), abs=1e-9)
    scale = np.sqrt(slope)
    assert distortion.scale_variation == pytest.approx(scale.std() / scale.mean(), abs=1e-9)


def test_uneven_spacing_of_the_positions_is_no_distortion() -> None:
    uneven = SQUARE**2 + 0.1 * SQUARE
    assert local_distortion(uneven, uneven @ turn(0.5)) == pytest.approx((0, 0, 0), abs=1e-9)


def test_a_cell_that_is_flattened_has_infinite_anisotropy() -> None:
    partly = SQUARE * [1, 1]
    partly[:2] = partly[0]
    assert local_distortion(SQUARE, partly).anisotropy == np.inf


def test_what_cannot_be_measured_is_refused() -> None:
    same = np.ones_like(SQUARE)
    with pytest.raises(UsageError, match="no area"):
        local_distortion(same, SQUARE)
    for without_area in (same, SQUARE * [1, 0]):
        with pytest.raises(UsageError, match="no area to measure"):
            local_distortion(SQUARE, without_area)
    for r2 in (affine_r2, similarity_r2):
        with pytest.raises(UsageError, match="all latents are the same"):
            r2(POINTS, same.reshape(-1, 2))


def test_the_most_informative_latents_are_the_surest() -> None:
    log_std = np.log([[1.0, 0.1, 0.9, 0.3], [1.0, 0.5, 0.2, 0.3]])
    # mean variances 1, 0.13, 0.425 and 0.09
    assert most_informative(log_std).tolist() == [3, 1]


def test_the_grid_has_336_positions_on_twelve_lines() -> None:
    positions, line = grid_lines()
    assert positions.shape == (336, 2)
    assert len(np.unique(positions.round(9), axis=0)) == 336
    assert np.bincount(line).tolist() == [31] * 6 + [25] * 6
    assert (positions.min(), positions.max()) == (0.2, 0.8)
    expected = np.linspace(0.2, 0.8, 6)
    for i in range(6):
        assert positions[line == i, 0] == pytest.approx(np.full(31, expected[i]))
        assert positions[line == i + 6, 1] == pytest.approx(np.full(25, expected[i]))
