"""MED on codes whose shares of information are exact."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import entropy
from synthetic import random_factors, turned, with_noise_latents

from distaff.metrics.med import med, most_disentangled

ROWS = 9_000
SURE = 1e-4
"""What evidence, which is never exactly 0 or 1, leaves of a score."""


def value(codes: Any, factors: Any, **settings: Any) -> Any:
    return med(codes, factors, repeats=0, **settings).value


@pytest.fixture(scope="module")
def factors() -> Any:
    return random_factors(ROWS)


def every_combination(*sizes: Any) -> Any:
    return np.array(list(np.ndindex(*sizes)) * (ROWS // int(np.prod(sizes))))


def test_a_perfect_code_has_1_and_noise_0(factors: Any) -> None:
    score = med(factors.astype(float), factors, repeats=0)
    assert score.value == pytest.approx(1, abs=SURE)
    assert score.ceiling == pytest.approx(1, abs=SURE)
    assert score.chance == pytest.approx(0, abs=0.02)
    assert score.parts["completeness"] == pytest.approx(1, abs=SURE)
    noise = np.random.default_rng(1).normal(size=(ROWS, 8))
    assert value(noise, factors) == pytest.approx(0, abs=0.005)
    assert value(np.zeros((ROWS, 2)), factors) == 0


def test_shares_of_information_give_the_entropies_of_the_formula() -> None:
    """The first latent tells v0 and half of v1, the second all of v1, the third v2."""
    factors = every_combination(4, 4, 4)
    low = factors[:, 1] // 2
    codes = np.stack([2 * factors[:, 0] + low, factors[:, 1], factors[:, 2]], axis=1)
    # log 4 of v0; log 2 and log 4 of v1, shares 1/3 and 2/3
    importance = np.array([[1, 1 / 3, 0], [0, 2 / 3, 0], [0, 0, 1]])
    spread = entropy([3 / 4, 1 / 4]) / np.log(3)
    expected = (4 / 3 * (1 - spread) + 2 / 3 + 1) / 3
    score = med(codes.astype(float), factors, repeats=0)
    assert score.value == pytest.approx(expected, abs=0.003)
    columns = [1, 1 - entropy([1 / 3, 2 / 3]) / np.log(3), 1]
    assert score.parts["completeness"] == pytest.approx(np.mean(columns), abs=0.003)
    # the first is the only one for v0
    assert most_disentangled(importance) == [0, 1, 2]


def test_the_most_disentangled_latents_are_one_for_each_factor_that_is_known() -> None:
    importance = np.array([[0.5, 0.4, 0], [0.3, 0, 0], [0.2, 0.6, 0], [0, 0, 0]])
    assert most_disentangled(importance) == [1, 2]


def test_copies_noise_and_missing_factors_cost_nothing(factors: Any) -> None:
    codes = factors.astype(float)
    assert value(np.c_[codes, codes], factors) == pytest.approx(1, abs=SURE)
    assert value(with_noise_latents(codes, 5), factors) == pytest.approx(1, abs=1e-3)
    assert value(codes[:, 2:], factors) == pytest.approx(1, abs=SURE)


def test_a_subset_in_order_has_top_1_whatever_the_rest(factors: Any) -> None:
    noise = 0.1 * np.random.default_rng(2).normal(size=factors.shape)
    mixed = turned(factors.astype(float), [(0, 1), (2, 3)]) + noise
    score = med(np.c_[factors, mixed, mixed], factors, repeats=0)
    assert score.value < 0.9
    assert score.parts["top-1"] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "change",
    [lambda z: z[:, ::-1], lambda z: -z, lambda z: z * np.geomspace(0.01, 100, 5)],
    ids=["permuted", "flipped", "rescaled"],
)
def test_the_form_of_a_latent_changes_nothing(change: Any, factors: Any) -> None:
    codes = turned(factors.astype(float), [(3, 4)], 30)
    before = value(codes, factors)
    assert 0.5 < before < 0.9
    assert value(change(codes), factors) == pytest.approx(before, abs=1e-6)


def test_the_interval_and_what_is_refused(factors: Any) -> None:
    codes = turned(factors.astype(float), [(3, 4)], 30)
    score = med(codes[:1000], factors[:1000])
    assert score.interval[0] < score.value < score.interval[1]  # type: ignore[index]
    assert score.interval[1] - score.interval[0] < 0.2  # type: ignore[index]
    assert score.relation.shape == (5, 5)  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="compares factors"):
        med(codes, factors[:, :1])
    with pytest.raises(ValueError, match="not offered"):
        med(codes, factors, compat="disentanglement_lib")
