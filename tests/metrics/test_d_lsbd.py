"""D_LSBD of circles, lines and noise, and against the definition with rotation matrices."""

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA

from distaff.metrics.d_lsbd import d_lsbd

SIZES = (12, 15, 2)
GRID = np.array(list(np.ndindex(*SIZES)))
ANGLES = 2 * np.pi * GRID[:, :2] / SIZES[:2]
CIRCLES = np.stack([f(a) for a in ANGLES.T for f in (np.cos, np.sin)], axis=1)


def value(codes: Any, **settings: Any) -> Any:
    return d_lsbd(codes, GRID, **{"cyclic": [0, 1], **settings}).value


def turn(columns: Any, seed: int = 0) -> Any:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(columns, columns)))[0]


def test_a_circle_for_each_factor_has_exactly_1_in_any_rotation() -> None:
    score = d_lsbd(CIRCLES, GRID, cyclic=[0, 1], factor_names=["hue", "angle", "shape"])
    assert score.value == pytest.approx(1, abs=1e-9)
    assert score.ceiling == pytest.approx(1, abs=1e-9)
    assert list(score.parts) == ["hue", "angle", "dead latents"]
    assert value(CIRCLES @ turn(4)) == pytest.approx(1, abs=1e-9)


def test_three_turns_backwards_are_even_too_and_two_speeds_are_not() -> None:
    backwards = np.stack([np.cos(3 * ANGLES[:, 0]), -np.sin(3 * ANGLES[:, 0])], axis=1)
    assert value(backwards, cyclic=[0]) == pytest.approx(1, abs=1e-9)
    # a figure of eight: each coordinate is one wave of its own, of half of the variance
    eight = np.stack([np.cos(ANGLES[:, 0]), np.sin(2 * ANGLES[:, 0])], axis=1)
    assert value(eight, cyclic=[0]) == pytest.approx(1 / 4, abs=1e-9)


def test_a_straight_line_has_the_first_wave_of_a_saw_tooth() -> None:
    codes = np.array(list(np.ndindex(400, 2)))
    score = d_lsbd(codes.astype(float), codes, cyclic=[0])
    assert score.value == pytest.approx(3 / (2 * np.pi**2), abs=0.005)


def test_noise_has_chance_which_is_near_0() -> None:
    grid = np.array(list(np.ndindex(40, 50)))
    noise = np.random.default_rng(1).normal(size=(len(grid), 4))
    score = d_lsbd(noise, grid)
    assert score.value < 0.01
    assert score.chance < 0.01
    assert value(np.zeros((len(GRID), 3))) == 0


def by_rotation_matrices(z: Any, axis: Any, angle: Any) -> Any:
    """The published definition, for a code on a grid, [first, second, third, latent]."""
    flat = (z - z.mean(axis=axis, keepdims=True)).reshape(-1, z.shape[-1])
    plane = PCA(2).fit_transform(flat)
    plane = plane / (plane.std(axis=0) * np.sqrt(2))
    least = np.inf
    for w in range(-10, 11):
        back = []
        for point, t in zip(plane, angle, strict=True):
            c, s = np.cos(-w * t), np.sin(-w * t)
            back.append(np.array([[c, -s], [s, c]]) @ point)
        spread = back - np.mean(back, axis=0)
        least = min(least, (spread**2).sum(axis=1).mean())
    return least


def test_it_is_the_published_definition() -> None:
    generator = np.random.default_rng(2)
    codes = np.c_[CIRCLES, GRID] @ generator.normal(size=(7, 5))
    codes = np.sin(codes) + 0.2 * generator.normal(size=codes.shape)
    parts = d_lsbd(codes, GRID, cyclic=[0, 1]).parts
    for axis in (0, 1):
        expected = by_rotation_matrices(codes.reshape(*SIZES, 5), axis, ANGLES[:, axis])
        assert parts[f"factor {axis}"] == pytest.approx(1 - expected, abs=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        lambda z: z[:, ::-1],
        lambda z: -z,
        lambda z: 0.01 * z + 7,
        lambda z: np.c_[z, np.ones(len(z))],
    ],
    ids=["permuted", "flipped", "rescaled as a whole", "dead latent"],
)
def test_the_form_of_the_code_changes_nothing(change: Any) -> None:
    codes = np.sin(CIRCLES @ turn(4) * 2)
    assert value(change(codes)) == pytest.approx(value(codes), abs=1e-9)


def test_a_noise_latent_hides_a_circle_unless_it_does_not_count() -> None:
    codes = np.c_[CIRCLES, 5 * np.random.default_rng(3).normal(size=len(GRID))]
    assert value(codes) < 0.6
    assert value(codes, active=[True] * 4 + [False]) == pytest.approx(1, abs=1e-9)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 3 values"):
        value(CIRCLES, cyclic=[2])
    with pytest.raises(ValueError, match="columns of the 3 factors"):
        value(CIRCLES, cyclic=[3])
    factors = np.random.default_rng(3).integers(0, 40, size=(500, 4))
    with pytest.raises(ValueError, match="give the codes of a complete set"):
        d_lsbd(factors.astype(float), factors)
    with pytest.raises(ValueError, match="not offered"):
        value(CIRCLES, compat="disentanglement_lib")
