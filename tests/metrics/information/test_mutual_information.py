from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import digamma
from scipy.stats import rankdata
from sklearn.feature_selection import mutual_info_classif
from sklearn.metrics import mutual_info_score

from distaff.metrics.information.mutual_information import (
    cells,
    discretized,
    entropy,
    information_of_cells,
    mutual_information,
    self_information,
)
from distaff.metrics.information.ranks import normal_scores
from distaff.metrics.published.histogram import frequency_information, histogram_cells

SIZES = (3, 6, 40, 32, 32)
"""Of dSprites."""


@pytest.fixture
def generator() -> Any:
    return np.random.default_rng(0)


def gaussian_pair(generator: np.random.Generator, correlation: Any, count: Any) -> Any:
    covariance = [[1, correlation], [correlation, 1]]
    return generator.multivariate_normal([0, 0], covariance, size=count)


def test_information_equals_a_plain_form_of_the_estimator(generator: np.random.Generator) -> None:
    factor = generator.integers(0, 5, size=300)
    code = factor + generator.normal(size=300)
    x = normal_scores(code[:, None])[:, 0]
    terms = []
    for row in range(300):
        distance = np.abs(x - x[row])
        same = np.sort(distance[factor == factor[row]])
        nearer = (distance < same[3]).sum()
        terms.append(digamma(3) - digamma(len(same)) - digamma(nearer))
    expected = digamma(300) + np.mean(terms)
    assert mutual_information(code[:, None], factor[:, None])[0, 0] == pytest.approx(
        expected, abs=0.01
    )


def test_information_equals_that_of_scikit_learn(generator: np.random.Generator) -> None:
    factors = generator.integers(0, SIZES, size=(2000, 5))
    codes = factors + generator.normal(size=factors.shape) * 2
    ours = mutual_information(codes, factors)
    for column in range(5):
        theirs = mutual_info_classif(normal_scores(codes), factors[:, column], n_neighbors=3)
        assert np.allclose(ours[:, column], theirs, atol=0.005)


def test_a_value_that_occurs_once_is_left_out_as_in_scikit_learn(
    generator: np.random.Generator,
) -> None:
    factor = np.r_[np.arange(2, 302), generator.integers(0, 2, size=700)]
    code = generator.normal(size=1000) + 3 * (factor == 1)
    theirs = mutual_info_classif(normal_scores(code[:, None]), factor, n_neighbors=3)
    ours = mutual_information(code[:, None], factor[:, None])
    assert ours[0, 0] == pytest.approx(theirs[0], abs=0.005)
    assert ours[0, 0] == pytest.approx(
        mutual_information(code[300:, None], factor[300:, None])[0, 0], abs=0.01
    )


@pytest.mark.parametrize("distance", [0.5, 2.0])
def test_information_of_two_gaussians_is_that_of_numerical_integration(
    generator: np.random.Generator, distance: float
) -> None:
    factor = generator.integers(0, 2, size=20_000)
    code = generator.normal(size=20_000) + distance * factor

    def integrand(z: Any) -> Any:
        given_value = stats.norm.pdf(z)
        either = 0.5 * (given_value + stats.norm.pdf(z, loc=distance))
        return given_value * np.log(given_value / either)

    truth = quad(integrand, -10, 10)[0]
    assert mutual_information(code[:, None], factor[:, None])[0, 0] == pytest.approx(
        truth, abs=0.015
    )


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_information_of_a_continuous_factor_is_that_of_the_closed_form(
    generator: np.random.Generator, correlation: float
) -> None:
    pair = gaussian_pair(generator, correlation, 10_000)
    factor = cells(pair[:, 1:], 100)
    truth = -0.5 * np.log(1 - correlation**2)
    assert mutual_information(pair[:, :1], factor)[0, 0] == pytest.approx(truth, abs=0.035)
    cut = cells(pair, 21)
    assert information_of_cells(cut)[0][0, 1] == pytest.approx(truth, rel=0.07, abs=0.01)


def test_information_of_two_discrete_variables_is_that_of_their_probabilities(
    generator: np.random.Generator,
) -> None:
    """A factor of 4 values, which the latent keeps with probability 0.7 and else draws again."""
    factor = generator.integers(0, 4, size=10_000)
    kept = generator.uniform(size=10_000) < 0.7
    code = np.where(kept, factor, generator.integers(0, 4, size=10_000)).astype(float)
    joint = np.full((4, 4), 0.3 / 16) + 0.7 / 4 * np.eye(4)
    truth = (joint * np.log(joint * 16)).sum()
    information = mutual_information(code[:, None], factor[:, None])[0, 0]
    assert information == pytest.approx(truth, abs=0.03)


def test_what_is_independent_shares_nothing_on_average(generator: np.random.Generator) -> None:
    factors = generator.integers(0, SIZES, size=(2000, 5))
    codes = np.c_[generator.normal(size=(2000, 20)), generator.integers(0, 8, size=(2000, 20))]
    information = mutual_information(codes.astype(float), factors)
    # half of the estimates are below 0 and were raised to it
    assert information.mean() < 0.4 * 0.8 / np.sqrt(2000)
    assert information.max() < 4 / np.sqrt(2000)
    assert information_of_cells(cells(codes, 12))[0][0, 1:].mean() < 0.01


def test_a_copy_tells_all_that_the_factor_has(generator: np.random.Generator) -> None:
    factors = generator.integers(0, SIZES, size=(2000, 5))
    copied = np.diag(mutual_information(factors.astype(float), factors))
    assert np.allclose(copied, self_information(factors), atol=1e-12)
    assert np.allclose(np.diag(information_of_cells(factors)[0]), self_information(factors))


def test_a_copy_of_a_continuous_factor_tells_nearly_all(generator: np.random.Generator) -> None:
    values = generator.normal(size=(10_000, 1))
    factor = cells(values, 100)
    share = mutual_information(np.exp(-values), factor) / self_information(factor)
    assert 0.98 < share[0, 0] <= 1


def test_self_information_has_less_bias_than_frequencies() -> None:
    draws = np.random.default_rng(0).integers(0, 20, size=(100, 300))
    truth = np.log(20)
    assert abs(self_information(draws).mean() - truth) < 0.03
    assert entropy(draws).mean() < truth - 0.08


def test_entropy_is_that_of_scipy(generator: np.random.Generator) -> None:
    factors = generator.integers(0, 7, size=(500, 3)) ** 2
    expected = [stats.entropy(np.unique(f, return_counts=True)[1]) for f in factors.T]
    assert np.allclose(entropy(factors), expected)


def test_a_latent_of_one_value_tells_nothing(generator: np.random.Generator) -> None:
    factor = generator.integers(0, 3, size=(200, 1))
    assert mutual_information(np.full((200, 1), 0.1), factor)[0, 0] == 0
    assert mutual_information(np.arange(200.0)[:, None], np.arange(200)[:, None])[0, 0] == 0


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(0.01, 100),
    sign=st.sampled_from([-1, 1]),
    values=st.sampled_from([2, 7, 10**9]),
)
def test_information_is_the_same_for_a_latent_moved_or_turned(
    seed: int, scale: Any, sign: Any, values: Any
) -> None:
    generator = np.random.default_rng(seed)
    factor = generator.integers(0, 4, size=(150, 2))
    codes = generator.integers(0, values, size=(150, 3)).astype(float)
    changed = (sign * scale * codes + 7)[:, ::-1]
    before = mutual_information(codes, factor)
    assert np.array_equal(mutual_information(changed, factor)[::-1], before)
    assert np.array_equal(cells(changed, 9)[:, ::-1], cells(codes, 9)) or values < 10


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_information_is_at_least_0_and_at_most_that_of_the_factor(seed: int) -> None:
    generator = np.random.default_rng(seed)
    factors = generator.integers(0, [2, 9, 60], size=(150, 3))
    codes = factors * generator.uniform(size=3) + generator.normal(size=(150, 3)).round(1)
    information = mutual_information(codes, factors)
    assert (information >= 0).all()
    assert (information <= self_information(factors) + 1e-12).all()


def test_cells_have_as_many_rows_and_few_values_keep_their_own(
    generator: np.random.Generator,
) -> None:
    codes = np.c_[generator.normal(size=1000), generator.integers(0, 7, size=1000)]
    cut = cells(codes, 20)
    assert np.bincount(cut[:, 0]).tolist() == [50] * 20
    assert len(np.unique(cut[:, 1])) == 7


def test_frequency_information_is_that_of_scikit_learn(generator: np.random.Generator) -> None:
    factors = generator.integers(0, SIZES, size=(500, 5))
    cut = histogram_cells(factors + generator.normal(size=factors.shape))
    ours = frequency_information(cut, factors)
    for latent in range(5):
        for factor in range(5):
            theirs = mutual_info_score(factors[:, factor], cut[:, latent])
            assert ours[latent, factor] == pytest.approx(theirs, abs=1e-12)


def test_only_continuous_factors_are_cut(generator: np.random.Generator) -> None:
    factors = np.c_[generator.integers(0, 3, size=400), generator.normal(size=400)]
    result = discretized(factors, ["ordinal", "continuous"])
    assert np.array_equal(result[:, 0], factors[:, 0])
    assert sorted(np.unique(result[:, 1])) == list(range(20))
    ranks = discretized(factors, ["ordinal", "continuous"], in_order=True)
    assert np.array_equal(ranks[:, 1], rankdata(factors[:, 1]))


def test_a_continuous_factor_has_as_many_cells_whatever_the_rows(
    generator: np.random.Generator,
) -> None:
    """With 31 cells of 1,000 rows and 173 of 30,000, an accuracy falls as the rows grow."""
    for rows, number in ((100, 10), (400, 20), (30_000, 20)):
        factors = discretized(generator.normal(size=(rows, 1)), ["continuous"])
        assert len(np.unique(factors)) == number


@pytest.mark.parametrize(
    ("kinds", "message"),
    [(["discrete"], "each of the 2 factors"), (["discrete", "circular"], "circular")],
)
def test_wrong_kinds_are_refused(kinds: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        discretized(np.zeros((100, 2)), kinds)


def test_a_continuous_factor_with_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        discretized(np.full((100, 1), np.nan), ["continuous"])
