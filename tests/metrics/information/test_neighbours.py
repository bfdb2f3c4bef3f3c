from typing import Any

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression

from distaff.metrics.information.neighbours import NEIGHBOURS, kraskov, ross


def gaussian_pair(correlation: Any, rows: Any, seed: int = 0) -> Any:
    covariance = [[1, correlation], [correlation, 1]]
    return np.random.default_rng(seed).multivariate_normal([0, 0], covariance, size=rows).T


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.99])
def test_information_of_two_continuous_variables_is_that_of_scikit_learn(
    correlation: float,
) -> None:
    first, second = gaussian_pair(correlation, 1000)
    theirs = mutual_info_regression(first[:, None], second, n_neighbors=NEIGHBOURS)[0]
    assert max(0, kraskov(first, second)) == pytest.approx(theirs, abs=1e-3)


def test_information_of_two_continuous_variables_is_that_of_a_plain_loop() -> None:
    first, second = gaussian_pair(0.7, 200)
    terms = []
    for row in range(200):
        x, y = np.abs(first - first[row]), np.abs(second - second[row])
        reach = np.sort(np.maximum(x, y))[NEIGHBOURS]
        terms.append(digamma((x < reach).sum()) + digamma((y < reach).sum()))
    expected = digamma(200) + digamma(NEIGHBOURS) - np.mean(terms)
    assert kraskov(first, second) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rows", [500, 3_000, 30_000])
@pytest.mark.parametrize("correlation", [0.5, 0.9, 0.99])
def test_information_of_gaussians_is_that_of_the_closed_form(correlation: float, rows: int) -> None:
    draws = max(1, 10_000 // rows)
    found = [kraskov(*gaussian_pair(correlation, rows, seed)) for seed in range(draws)]
    truth = -0.5 * np.log(1 - correlation**2)
    assert np.mean(found) == pytest.approx(truth, abs=0.03)
    assert -np.expm1(-2 * np.mean(found)) == pytest.approx(correlation**2, abs=0.02)


def test_equal_variables_have_the_most_that_can_be_found() -> None:
    first = np.random.default_rng(0).normal(size=300)
    assert kraskov(first, first) == pytest.approx(digamma(300) - digamma(NEIGHBOURS), abs=1e-9)


def test_estimates_of_independent_variables_scatter_around_0() -> None:
    generator = np.random.default_rng(0)
    pairs = generator.normal(size=(300, 2, 300))
    values = generator.integers(0, 6, size=(300, 300))
    for found in (
        [kraskov(*pair) for pair in pairs],
        [ross(np.sort(x), v) for (x, _), v in zip(pairs, values, strict=True)],
    ):
        assert abs(np.mean(found)) < 0.01
        assert 0.3 < np.mean(np.array(found) < 0) < 0.7
        assert np.std(found) < 0.8 / np.sqrt(300)


def test_values_that_occur_once_tell_nothing() -> None:
    assert ross(np.arange(50.0), np.arange(50)) == 0
