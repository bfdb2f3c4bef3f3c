"""EDI on codes whose shares of information are exact."""

from typing import Any

import numpy as np
import pytest
from synthetic import random_factors, turned, with_noise_latents

from distaff.metrics.edi import edi, exclusivity

ROWS = 6_400


def value(codes: Any, factors: Any, **settings: Any) -> Any:
    return edi(codes, factors, repeats=0, **settings).value


@pytest.fixture(scope="module")
def factors() -> Any:
    return random_factors(ROWS, (3, 6, 10, 8))


def every_combination(*sizes: Any) -> Any:
    return np.array(list(np.ndindex(*sizes)) * (ROWS // int(np.prod(sizes))))


def test_exclusivity_is_the_largest_less_the_root_mean_square_of_the_others() -> None:
    table = np.array([[0.9, 0.3, 0.1], [0.2, 0.2, 0.2]])
    expected = [0.9 - np.sqrt((0.3**2 + 0.1**2) / 2), 0]
    assert exclusivity(table, axis=1) == pytest.approx(expected, abs=1e-12)
    assert exclusivity(table[:1], axis=0) == pytest.approx(table[0])


def test_a_perfect_code_has_1_three_times_and_noise_0(factors: Any) -> None:
    score = edi(factors.astype(float), factors, repeats=0)
    for part in ("modularity", "compactness", "explicitness"):
        assert score.parts[part] == pytest.approx(1, abs=0.005)
    assert score.ceiling == pytest.approx(1, abs=0.005)
    assert score.chance == pytest.approx(0, abs=0.01)
    assert value(np.random.default_rng(1).normal(size=(ROWS, 6)), factors) < 0.01
    assert value(np.zeros((ROWS, 2)), factors) == pytest.approx(0, abs=1e-6)


def test_shares_of_information_give_the_exclusivities_of_the_formula() -> None:
    """The first latent tells v0 and half of v1, the second all of v1, the third v2."""
    factors = every_combination(4, 4, 4)
    low = factors[:, 1] // 2
    codes = np.stack([2 * factors[:, 0] + low, factors[:, 1], factors[:, 2]], axis=1)
    parts = edi(codes.astype(float), factors, repeats=0).parts
    of_first = 1 - np.sqrt(0.5**2 / 2)
    assert parts["modularity"] == pytest.approx((of_first + 1 + 1) / 3, abs=0.003)
    # v1 is known in full by one latent and by half in another
    assert parts["compactness"] == pytest.approx((1 + of_first + 1) / 3, abs=0.003)
    assert parts["explicitness"] == pytest.approx(1, abs=0.003)


def test_a_copy_costs_compactness_by_its_root_mean_square(factors: Any) -> None:
    parts = edi(np.c_[factors, factors].astype(float), factors, repeats=0).parts
    assert parts["modularity"] == pytest.approx(1, abs=0.005)
    assert parts["compactness"] == pytest.approx(1 - np.sqrt(1 / 7), abs=0.005)


def test_two_latents_that_hold_a_factor_between_them_have_half_each() -> None:
    """The two bits of v0 lie in a latent each."""
    factors = every_combination(4, 4)
    codes = np.stack([factors[:, 0] // 2, factors[:, 0] % 2, factors[:, 1]], axis=1)
    parts = edi(codes.astype(float), factors, repeats=0).parts
    # each tells 1 of 2 bits, both together all, so that the sum over the latents is 1
    assert parts["modularity"] == pytest.approx(1, abs=0.01)
    of_first = 1 / 2 - np.sqrt((1 / 2) ** 2 / 2)
    assert parts["compactness"] == pytest.approx((of_first + 1) / 2, abs=0.01)
    assert parts["explicitness"] == pytest.approx(1, abs=0.01)


def test_missing_factors_cost_all_three_and_noise_latents_little(factors: Any) -> None:
    codes = factors.astype(float)
    for part in ("modularity", "compactness", "explicitness"):
        assert edi(codes[:, 2:], factors, repeats=0).parts[part] == pytest.approx(1 / 2, abs=0.01)
    noisy = codes + 0.3 * np.random.default_rng(2).normal(size=codes.shape)
    more = with_noise_latents(noisy, 4)
    assert value(more, factors) == pytest.approx(value(noisy, factors), abs=0.01)


@pytest.mark.parametrize(
    "change",
    [lambda z: z[:, ::-1], lambda z: -z, lambda z: z * np.array([0.01, -1, 10, 100]) + 3],
    ids=["permuted", "flipped", "rescaled and shifted"],
)
def test_the_form_of_a_latent_changes_nothing(change: Any, factors: Any) -> None:
    codes = turned(factors.astype(float), [(1, 2)], 30)
    codes += 0.2 * np.random.default_rng(2).normal(size=codes.shape)
    before = value(codes, factors)
    assert 0.5 < before < 0.95
    assert value(change(codes), factors) == pytest.approx(before, abs=0.01)


def test_the_interval_and_what_is_refused(factors: Any) -> None:
    codes = factors[:800] + 0.5 * np.random.default_rng(2).normal(size=(800, 4))
    score = edi(codes, factors[:800])
    assert score.interval[0] < score.value < score.interval[1]  # type: ignore[index]
    assert score.relation.shape == (4, 4)  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="compares factors"):
        edi(codes, factors[:800, :1])
    with pytest.raises(ValueError, match="not offered"):
        edi(codes, factors[:800], compat="disentanglement_lib")
