"""The Hausdorff distance from factorised support, against SciPy and closed forms."""

from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist, directed_hausdorff
from synthetic import random_factors, turned

from distaff.metrics.factorized_support import factorized_support, hausdorff_distance
from distaff.metrics.pairwise_mutual_information import pairwise_mutual_information

ROWS = 4_000


def value(codes: Any, factors: Any = None, **settings: Any) -> Any:
    return factorized_support(codes, factors, repeats=0, **settings).value


def test_the_distance_is_that_of_scipy() -> None:
    pair = np.random.default_rng(0).random((64, 2))
    combined = np.array([(a, b) for a in pair[:, 0] for b in pair[:, 1]])
    expected = directed_hausdorff(combined, pair)[0]
    assert hausdorff_distance(pair) == pytest.approx(expected)
    assert expected == pytest.approx(cdist(combined, pair).min(axis=1).max())


def test_codes_in_which_all_combinations_occur_have_exactly_1() -> None:
    factors = np.array(list(np.ndindex(3, 5, 8)) * 5)  # type: ignore[var-annotated]
    score = factorized_support(factors.astype(float), factors, repeats=0)
    assert score.value == score.ceiling == 1
    assert score.parts["mean distance"] == 0


def test_correlated_factors_with_full_support_cost_nothing_though_they_depend() -> None:
    generator = np.random.default_rng(1)
    factors = random_factors(ROWS, (6, 6))
    factors[:, 1] = np.where(generator.random(ROWS) < 0.8, factors[:, 0], factors[:, 1])
    assert value(factors.astype(float)) == 1
    assert pairwise_mutual_information(factors.astype(float), repeats=0).value < 0.6


def test_a_latent_and_its_copy_are_as_far_as_can_be() -> None:
    latent = np.random.default_rng(2).normal(size=ROWS)
    score = factorized_support(np.c_[latent, latent], repeats=0)
    assert score.parts["largest distance"] == pytest.approx(1 / np.sqrt(2), abs=0.02)
    assert score.value == pytest.approx(0, abs=0.02)
    assert value(np.c_[latent, -(latent**3)]) == pytest.approx(0, abs=0.04)


def test_one_missing_combination_of_two_even_bits_is_half_a_rank_away() -> None:
    """Ranks of an even bit are 1/4 and 3/4; the nearest that occurs differs in one of the two."""
    codes = np.array([(0, 0), (1, 0), (0, 1)] * 200, dtype=float)
    # a bit that is 0 in two thirds of the rows: ranks 1/3 and 5/6
    score = factorized_support(codes, repeats=0)
    assert score.parts["largest distance"] == pytest.approx(1 / 2, abs=0.01)
    assert score.value == pytest.approx(1 - np.sqrt(2) / 2, abs=0.01)


def test_independent_latents_reach_chance_and_mixed_even_ones_do_not() -> None:
    factors = random_factors(ROWS, (32, 32))
    noise = np.random.default_rng(3).normal(size=(ROWS, 2))
    assert value(noise, factors) > 0.9
    score = factorized_support(noise, factors, repeats=0)
    assert score.chance == pytest.approx(score.value, abs=0.03)
    assert value(turned(factors.astype(float), [(0, 1)]), factors) < 0.75


@pytest.mark.parametrize(
    "change",
    [
        lambda z: z[:, ::-1],
        lambda z: -z,
        lambda z: z * np.array([0.01, 100, 1]),
        lambda z: np.r_[[[1e6] * 3], z[1:]],
        lambda z: np.c_[z, np.ones(ROWS)],
    ],
    ids=["permuted", "flipped", "rescaled", "outlier", "dead latent"],
)
def test_the_form_of_a_latent_changes_little(change: Any) -> None:
    codes = turned(random_factors(ROWS, (9, 20, 32)).astype(float), [(0, 1), (1, 2)])
    before = value(codes)
    assert 0.4 < before < 0.9
    assert value(change(codes)) == pytest.approx(before, abs=0.02)


def test_the_interval_dead_codes_and_what_is_refused() -> None:
    codes = turned(random_factors(600, (9, 20, 32)).astype(float), [(0, 1), (1, 2)])
    score = factorized_support(codes)
    assert score.interval[0] < score.value < score.interval[1]  # type: ignore[index]
    assert value(np.zeros((200, 3))) == 1
    assert value(codes[:, :1]) == 1
    with pytest.raises(ValueError, match="not offered"):
        factorized_support(codes, compat="disentanglement_lib")
