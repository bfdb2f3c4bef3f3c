"""UniBound on codes whose decomposition of information is known."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from synthetic import random_factors, turned, with_noise_latents

from distaff.metrics.information.joint import losses_of_predictors
from distaff.metrics.mutual_information_gap import mutual_information_gap
from distaff.metrics.unibound import unibound

ROWS = 6_000


def value(codes: Any, factors: Any, **settings: Any) -> Any:
    return unibound(codes, factors, repeats=0, **settings).value


@pytest.fixture(scope="module")
def factors() -> Any:
    return random_factors(ROWS, (3, 6, 10, 8))


@pytest.fixture(scope="module")
def noisy(factors: Any) -> Any:
    return factors + 0.5 * np.random.default_rng(1).normal(size=factors.shape)


def test_a_perfect_code_is_all_unique_and_a_copy_all_redundant(factors: Any) -> None:
    score = unibound(factors.astype(float), factors, repeats=0)
    assert score.value == pytest.approx(1, abs=0.02)
    assert score.ceiling == pytest.approx(1, abs=0.02)
    assert score.chance == pytest.approx(0, abs=0.01)
    assert value(np.c_[factors, factors].astype(float), factors) == 0
    assert value(np.random.default_rng(2).normal(size=(ROWS, 6)), factors) < 0.01


def test_a_turned_copy_tells_all_and_the_gap_hardly_sees_it(factors: Any) -> None:
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
    noise = 0.03 * np.random.default_rng(1).normal(size=factors.shape)
    codes = np.c_[factors, (factors / factors.std(axis=0)) @ turn + noise]
    assert mutual_information_gap(codes, factors, repeats=0).value > 0.55
    score = unibound(codes, factors, repeats=0)
    assert score.value < 0.06
    assert score.parts["told by the others"] > 0.9


def test_an_exclusive_or_of_the_others_is_found() -> None:
    bits = np.random.default_rng(4).integers(0, 2, size=(ROWS, 2))
    label = bits[:, :1] ^ bits[:, 1:]
    codes = np.c_[label, bits].astype(float)
    assert mutual_information_gap(codes, label, repeats=0).value == pytest.approx(1, abs=0.02)
    assert value(codes, label) == pytest.approx(0, abs=0.02)
    # without z no latent alone tells anything, and the rest is synergy
    assert value(codes[:, 1:], label) == pytest.approx(0, abs=0.02)


def information_of_gaussian(distance: Any) -> Any:
    """I of a fair bit and a normal variable whose mean it moves by so many deviations, in nats."""

    def integrand(x: Any) -> Any:
        p = norm.pdf(x, distance / 2)
        mixture = (p + norm.pdf(x, -distance / 2)) / 2
        return p * np.log(p / mixture)

    return quad(integrand, -12, 12)[0]


def test_noisy_latents_of_a_bit_have_the_bound_of_the_quadrature() -> None:
    """Two others of one deviation together tell what one of sqrt(2) deviations tells."""
    label = np.random.default_rng(5).integers(0, 2, size=(20_000, 1))
    noise = np.random.default_rng(6).normal(size=(20_000, 3))
    codes = label * np.array([3, 1, 1]) + noise
    expected = information_of_gaussian(3) - information_of_gaussian(np.sqrt(2))
    score = unibound(codes, label, repeats=0)
    assert score.value == pytest.approx(expected / np.log(2), abs=0.02)
    # the gap leaves out that there are two
    gap = information_of_gaussian(3) - information_of_gaussian(1)
    assert mutual_information_gap(codes, label, repeats=0).value == pytest.approx(
        gap / np.log(2), abs=0.02
    )


def test_a_predictor_of_no_latents_knows_the_frequencies(factors: Any) -> None:
    rows = np.arange(ROWS // 2), np.arange(ROWS // 2, ROWS)
    label = factors[:, 0]
    none, discriminant, trees = losses_of_predictors(np.ones((ROWS, 1)), label, rows, 0)
    assert discriminant == pytest.approx(none, abs=1e-9)
    assert trees == pytest.approx(none, abs=1e-9)
    assert none.mean() == pytest.approx(np.log(3), abs=0.01)


def test_a_value_that_no_row_trains_is_no_infinite_loss() -> None:
    label = np.r_[np.zeros(150, int), np.ones(100, int), np.full(50, 2)]
    rows = np.arange(200), np.arange(200, 300)
    losses = losses_of_predictors(label[:, None].astype(float), label, rows, 0)
    assert np.isfinite(losses).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda z: z[:, ::-1],
        lambda z: -z,
        lambda z: z * np.array([0.01, -0.1, -10, 100]),
        lambda z: z + 100,
        lambda z: np.c_[z, np.ones(ROWS)],
        lambda z: np.r_[[[1e6] * 4], z[1:]],
        lambda z: with_noise_latents(z, 4),
    ],
    ids=["permuted", "flipped", "rescaled", "shifted", "dead latent", "outlier", "noise"],
)
def test_the_form_of_a_latent_and_more_noise_change_little(
    change: Any, factors: Any, noisy: Any
) -> None:
    before = value(noisy, factors)
    assert 0.3 < before < 0.9
    assert value(change(noisy), factors) == pytest.approx(before, abs=0.01)


def test_it_is_never_above_the_gap(factors: Any, noisy: Any) -> None:
    mixed = turned(noisy, [(1, 2)], 20)
    for codes in (noisy, mixed, np.c_[noisy, mixed]):
        gap = mutual_information_gap(codes, factors, repeats=0).value
        assert value(codes, factors) <= gap + 1e-9


def test_one_latent_a_dead_code_and_the_interval(factors: Any, noisy: Any) -> None:
    assert value(noisy[:, :1], factors[:, :1]) > 0.3
    assert value(np.zeros((ROWS, 2)), factors) == 0
    score = unibound(noisy[:600], factors[:600], factor_names=list("abcd"))
    assert score.interval[0] < score.value < score.interval[1]  # type: ignore[index]
    assert score.interval[1] - score.interval[0] < 0.3  # type: ignore[index]
    assert list(score.parts) == [*"abcd", "told by the others", "dead latents"]
    assert score.relation.shape == (4, 4)  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="not offered"):
        unibound(noisy, factors, compat="disentanglement_lib")
