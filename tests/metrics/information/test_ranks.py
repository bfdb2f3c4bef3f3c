from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from distaff.metrics.information.ranks import CLOSE, normal_scores, smoothed_ranks


@pytest.fixture
def generator() -> Any:
    return np.random.default_rng(3)


def test_ranks_are_the_sum_that_defines_them(generator: np.random.Generator) -> None:
    column = generator.normal(size=400)
    low, high = np.quantile(column, [0.25, 0.75])
    steps = (column[:, None] - column) / (CLOSE * (high - low))
    # the rank of a value and of its negative add up to n + 1; the first row decides the sign
    sign = 1 if column[0] > np.median(column) else -1
    expected = 0.5 + np.clip(0.5 + sign * steps / 2, 0, 1).sum(axis=1)
    assert smoothed_ranks(column[:, None])[:, 0] == pytest.approx(expected, abs=1e-9)


def test_ranks_of_values_far_apart_are_those_of_scipy(generator: np.random.Generator) -> None:
    column = np.concatenate([[40], generator.integers(0, 41, size=500)]).astype(float)
    assert smoothed_ranks(column[:, None])[:, 0] == pytest.approx(rankdata(column), abs=1e-9)


@pytest.mark.parametrize("noise", [1e-12, 1e-9, 1e-6])
def test_a_breath_of_noise_on_a_code_of_few_values_changes_next_to_nothing(
    generator: np.random.Generator, noise: float
) -> None:
    column = generator.integers(0, [3, 40], size=(2000, 2)).astype(float)
    near = column + noise * generator.normal(size=column.shape)
    assert np.abs(smoothed_ranks(near) - smoothed_ranks(column)).max() < 0.1


@given(exponent=st.integers(-300, 300), shift=st.sampled_from([0.0, 1.0]))
def test_scale_and_sign_change_nothing(exponent: Any, shift: Any) -> None:
    column = np.random.default_rng(0).normal(size=(200, 1)) + shift
    ranks = smoothed_ranks(column)
    assert (smoothed_ranks(-column) == ranks).all()
    assert (smoothed_ranks(np.ldexp(column, exponent)) == ranks).all()


def test_one_outlier_costs_one_rank(generator: np.random.Generator) -> None:
    column = generator.normal(size=(1000, 1))
    far = column.copy()
    far[7] = 1e300
    others = np.arange(1000) != 7
    first, second = normal_scores(column)[others, 0], normal_scores(far)[others, 0]
    # the outlier moves past some rows; it may also turn the column round
    assert min(abs(first - second).max(), abs(first + second).max()) < 0.3
    assert np.corrcoef(first, second)[0, 1] ** 2 > 0.9999


def test_a_column_of_one_value_has_the_middle_rank() -> None:
    assert (smoothed_ranks(np.full((5, 2), 7.0)) == 3).all()
    assert smoothed_ranks(np.empty((5, 0))).shape == (5, 0)
