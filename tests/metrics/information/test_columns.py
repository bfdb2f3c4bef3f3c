from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from distaff.metrics.information.columns import columns_of
from distaff.metrics.information.mutual_information import resolved_entropy, self_information
from distaff.metrics.information.ranks import tied_values


@pytest.fixture
def generator() -> Any:
    return np.random.default_rng(0)


@pytest.mark.parametrize("noise", [0, 1e-12, 1e-9, 1e-6])
@pytest.mark.parametrize("values", [2, 3, 40])
def test_close_values_are_one_value(
    generator: np.random.Generator, values: int, noise: float
) -> None:
    column = generator.integers(0, values, size=2000)
    tied = tied_values(column + noise * generator.normal(size=2000))
    # the order may be turned round
    assert (tied == column).all() or (tied == values - 1 - column).all()  # type: ignore[union-attr]


def test_a_continuous_column_has_no_values(generator: np.random.Generator) -> None:
    assert tied_values(generator.normal(size=5000)) is None
    mixture = generator.normal(size=5000) * (generator.uniform(size=5000) > 0.6)
    assert tied_values(mixture) is None


def test_a_constant_column_has_one_value() -> None:
    assert (tied_values(np.full(100, 0.1)) == 0).all()  # type: ignore[union-attr]


def test_what_is_read_of_a_column(generator: np.random.Generator) -> None:
    table = np.c_[generator.integers(0, 7, size=1000), generator.normal(size=1000)]
    columns = columns_of(table)
    assert columns.discrete.tolist() == [True, False]
    assert columns.sizes.tolist() == [7, 1000]
    assert np.bincount(columns.coarse[:, 1]).tolist() == [200] * 5
    ranks = rankdata(table[:, 0])
    # turned or not, and smoothed: rows of a value share a rank
    assert {*columns.ranks[:, 0].round(6)} <= {*ranks.round(6), *(1001 - ranks).round(6)}
    assert columns.scores == pytest.approx(norm.ppf(columns.ranks / 1001))
    half = columns.at(np.arange(500))
    assert half.ranks.shape == (500, 2)
    assert half.rows == 1000


def test_what_is_declared_discrete_keeps_every_value() -> None:
    columns = columns_of(np.array([[0], [1], [1_000_000], [1_000_001]] * 50), np.array([True]))
    assert columns.sizes.tolist() == [4]
    assert columns.discrete.tolist() == [True]


def test_entropy_is_that_of_few_values_and_the_log_of_the_cells_for_many(
    generator: np.random.Generator,
) -> None:
    few = generator.integers(0, 40, size=(3000, 1))
    columns = columns_of(np.c_[few, generator.normal(size=3000), np.arange(3000) // 6])
    entropy = resolved_entropy(columns.ranks, count=3000, cells=100)
    assert entropy[0] == pytest.approx(self_information(few)[0], abs=1e-9)
    assert entropy[1:] == pytest.approx(np.log(100), abs=0.02)
    assert (entropy <= np.log(100)).all()


def test_entropy_counts_each_row_around_a_row_by_its_distance(
    generator: np.random.Generator,
) -> None:
    """A sparse column, whose zeros have a rank of their own."""
    sparse = generator.normal(size=(400, 1)) * (generator.uniform(size=(400, 1)) > 0.6)
    ranks = columns_of(sparse).ranks
    near = np.maximum(0, 1 - np.abs(ranks - ranks.T) / 20).sum(axis=1)
    expected = np.log(400) - np.log(near).mean()
    assert expected < 0.7 * np.log(20)
    assert resolved_entropy(ranks, count=400, cells=20)[0] == pytest.approx(expected, abs=0.02)
