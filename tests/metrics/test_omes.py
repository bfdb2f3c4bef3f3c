"""OMES on a complete set, against pairs drawn one by one and by hand."""

from typing import Any

import numpy as np
import pytest

from distaff.metrics.omes import movement, omes

GRID = np.array(list(np.ndindex(3, 4, 5, 2)))


def value(codes: Any, factors: Any = GRID) -> Any:
    return omes(codes, factors).value


def turned(codes: Any, degrees: Any = 45) -> Any:
    codes = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.c_[c * codes[:, 0] + s * codes[:, 1], c * codes[:, 1] - s * codes[:, 0], codes[:, 2:]]


def test_movement_is_one_less_the_correlation_over_all_pairs() -> None:
    codes = GRID @ np.random.default_rng(0).normal(size=(4, 3)) + 0.3 * GRID[:, [0]] * GRID[:, [1]]
    for factor in range(4):
        others = np.delete(GRID, factor, axis=1)
        pairs = [
            (i, j) for i, a in enumerate(others) for j, b in enumerate(others) if (a == b).all()
        ]
        first, second = np.array(pairs).T
        found = movement(codes, GRID, factor, "")
        for latent in range(3):
            r = np.corrcoef(codes[first, latent], codes[second, latent])[0, 1]
            assert found[latent] == pytest.approx(1 - r, abs=1e-9)


def test_a_perfect_code_has_exactly_1() -> None:
    score = omes(GRID.astype(float), GRID)
    assert score.relation == pytest.approx(np.eye(4), abs=1e-12)
    assert score.value == pytest.approx(1, abs=1e-12)
    assert score.ceiling == pytest.approx(1, abs=1e-12)
    assert score.interval is None
    assert omes(GRID.astype(float), GRID, factor_names=list("abcd")).parts["d"] == pytest.approx(1)


def test_mixed_latents_have_the_score_of_the_formula() -> None:
    """Two latents move by 1/2 with each of two factors, so O = M = 1 - (1/2 + 1/2) / 4 = 3/4."""
    score = omes(turned(GRID), GRID)
    assert score.relation[:2, :2] == pytest.approx(np.full((2, 2), 0.5), abs=1e-12)  # type: ignore[index]
    # weights 1/2, 1/2 and moves 1/2
    assert score.parts["factor 0"] == pytest.approx(3 / 4 * 1 / 2, abs=1e-12)
    assert score.value == pytest.approx((2 * 3 / 8 + 2) / 4, abs=1e-12)


def test_copies_cost_multiple_encoding_and_one_latent_of_all_costs_overlap() -> None:
    score = omes(np.c_[GRID, GRID].astype(float), GRID)
    assert score.parts["overlap"] == pytest.approx(1, abs=1e-12)
    assert score.parts["multiple encoding"] == pytest.approx(1 - 1 / 8, abs=1e-12)
    alone = omes((GRID / GRID.std(axis=0)).sum(axis=1, keepdims=True), GRID)
    # S is 1/4 for each: M = 1 - 3/4, O = 1 - (3/4 + 3/4) / 4
    assert alone.parts["multiple encoding"] == pytest.approx(1 / 4 * 1 / 4, abs=1e-3)
    assert alone.parts["overlap"] == pytest.approx((1 - 3 / 8) / 4, abs=2e-3)


def test_noise_has_chance_which_is_that_of_moving_with_everything() -> None:
    grid = np.array(list(np.ndindex(8, 9, 10)))
    noise = np.random.default_rng(1).normal(size=(len(grid), 5))
    score = omes(noise, grid)
    # within m values S is 1 - 1/m
    assert score.relation == pytest.approx(np.tile(1 - 1 / np.array([8, 9, 10]), (5, 1)), abs=0.05)
    assert score.value == pytest.approx((1 / 3 + 1 / 5) / 2, abs=0.06)
    assert score.chance == pytest.approx(score.value, abs=0.03)


@pytest.mark.parametrize(
    "change",
    [
        lambda z: z[:, ::-1],
        lambda z: -z,
        lambda z: z * np.array([0.001, 1, 10, 1000]) + 5,
        lambda z: np.c_[z, np.ones(len(z))],
    ],
    ids=["permuted", "flipped", "rescaled and shifted", "dead latent"],
)
def test_the_form_of_a_latent_changes_nothing(change: Any) -> None:
    codes = turned(GRID, 30)
    assert value(change(codes)) == pytest.approx(value(codes), abs=1e-9)


def test_one_outlier_changes_little() -> None:
    grid = np.array(list(np.ndindex(8, 9, 10)))
    outlier = np.r_[[[1e6] * 3], grid[1:]]
    assert value(outlier, grid) == pytest.approx(1, abs=0.05)


def test_a_dead_code_and_an_inactive_latent() -> None:
    score = omes(np.zeros((len(GRID), 2)), GRID)
    assert score.value == 0
    codes = np.c_[GRID, np.random.default_rng(2).normal(size=len(GRID))]
    ignored = omes(codes, GRID, active=[True] * 4 + [False])
    assert ignored.value == pytest.approx(1, abs=1e-12)
    assert value(codes) < 0.9


def test_a_table_without_such_images_is_refused() -> None:
    factors = np.random.default_rng(3).integers(0, 40, size=(500, 4))
    with pytest.raises(ValueError, match="images share all factors but size with another one"):
        omes(factors.astype(float), factors, factor_names=["size", "x", "y", "hue"])
    with pytest.raises(ValueError, match="tells factors apart"):
        omes(GRID.astype(float), GRID[:, :1])
    with pytest.raises(ValueError, match="not offered"):
        omes(GRID.astype(float), GRID, compat="disentanglement_lib")
