from typing import Any

import numpy as np
import pytest

from distaff.errors import UsageError
from distaff.measures.checkerboard import checkerboard_energy, power_spectrum, radial_spectrum


@pytest.fixture
def rng() -> Any:
    return np.random.default_rng(0)


def pattern(period: Any, size: Any = 64) -> Any:
    """A checkerboard whose squares are half a period wide."""
    place = np.arange(size) // (period // 2)
    return ((place[:, None] + place[None, :]) % 2 - 0.5)[None, None]


def smooth(size: Any = 64) -> Any:
    wave = np.sin(2 * np.pi * 3 * np.arange(size) / size)
    return (wave[:, None] + wave[None, :])[None, None]


def test_the_powers_add_up_to_the_variance(rng: Any) -> None:
    images = rng.random((4, 3, 20, 32))
    assert power_spectrum(images).sum() == pytest.approx(images.var(axis=(2, 3)).mean())


def test_a_checkerboard_has_all_its_power_at_its_own_period() -> None:
    assert checkerboard_energy(pattern(2)) == pytest.approx(1)
    assert checkerboard_energy(pattern(4)) == pytest.approx(0, abs=1e-12)
    assert checkerboard_energy(pattern(4), period=4) == pytest.approx(1)
    assert checkerboard_energy(pattern(2), period=4) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("axis", [2, 3])
def test_stripes_of_one_pixel_count_too(axis: int) -> None:
    stripes = np.indices((1, 1, 64, 64))[axis] % 2 * 1.0
    assert checkerboard_energy(stripes) == pytest.approx(1)


@pytest.mark.parametrize("amplitude", [0.1, 1.0])
def test_a_checkerboard_on_an_image_counts_by_its_power(amplitude: float) -> None:
    images = smooth() + amplitude * pattern(2)
    expected = amplitude**2 / 4 / (1 + amplitude**2 / 4)
    assert checkerboard_energy(images, smooth()) == pytest.approx(expected)


def test_what_true_images_have_does_not_count(rng: Any) -> None:
    images = rng.random((2, 3, 64, 64))
    assert checkerboard_energy(images, images) == 0
    assert checkerboard_energy(smooth() + pattern(2), smooth() + pattern(2)) == 0


def test_white_noise_has_the_share_of_the_frequencies(rng: Any) -> None:
    """Three places of 5 x 5 frequencies for period 2, twelve for period 4, out of 64² - 1."""
    noise = rng.normal(size=(200, 3, 64, 64))
    assert checkerboard_energy(noise) == pytest.approx(75 / 4095, rel=0.01)
    assert checkerboard_energy(noise, period=4) == pytest.approx(300 / 4095, rel=0.01)


def test_rings_hold_the_power_of_a_wave_at_its_frequency() -> None:
    frequency, power = radial_spectrum(smooth())
    assert frequency.tolist() == [i / 64 for i in range(1, 33)]
    assert frequency[power.argmax()] == 3 / 64
    assert power[np.arange(32) != 2].max() < 1e-12


def test_noise_is_even_over_the_rings(rng: Any) -> None:
    noise = rng.normal(size=(400, 1, 32, 48))
    _, power = radial_spectrum(noise)
    assert power == pytest.approx(np.full(16, 1 / (32 * 48)), rel=0.1)


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(UsageError, match="period is 3"):
        checkerboard_energy(pattern(2), period=3)
    with pytest.raises(UsageError, match="blank"):
        checkerboard_energy(np.ones((1, 1, 8, 8)))
