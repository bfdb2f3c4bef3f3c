"""The score of the assignment on latent semi-supervision, from its definition."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from synthetic import SIZES, random_factors, with_noise_latents

from distaff.metrics.partition_score import partition_score

ROWS = 4_000
ENDS = np.cumsum([0, *SIZES])
ONE_LATENT_A_VALUE = list(zip(ENDS[:-1].tolist(), ENDS[1:].tolist(), strict=True))


@pytest.fixture(scope="module")
def factors() -> Any:
    return random_factors(ROWS)


@pytest.fixture(scope="module")
def indicators(factors: Any) -> Any:
    return np.hstack([np.eye(size)[factor] for size, factor in zip(SIZES, factors.T, strict=True)])


def test_it_is_what_the_grader_computes() -> None:
    factors = random_factors(600, (3, 4))
    codes = factors[:, [0, 0, 1]] + 0.5 * np.random.default_rng(1).normal(size=(600, 3))
    metric = []
    for (start, stop), label in zip([(0, 2), (2, 3)], factors.T, strict=True):
        classifier = LogisticRegression().fit(codes[300:, start:stop], label[300:])
        metric.append(classifier.score(codes[:300, start:stop], label[:300]))
    score = partition_score(codes, factors, partitions=[(0, 2), (2, 3)])
    assert score.value == pytest.approx(50 * np.mean(metric))
    assert [score.parts["factor 0"], score.parts["factor 1"]] == pytest.approx(metric)
    assert score.interval[0] < score.value < score.interval[1]  # type: ignore[index]


def test_full_marks_and_chance_of_dsprites(factors: Any, indicators: Any) -> None:
    score = partition_score(indicators, factors, partitions=ONE_LATENT_A_VALUE, repeats=0)
    assert score.value == score.ceiling == 50
    assert score.chance == pytest.approx(50 * np.mean([1 / size for size in SIZES]), abs=0.7)
    noise = np.random.default_rng(2).normal(size=(ROWS, 5))
    assert partition_score(noise, factors, repeats=0).value == pytest.approx(5.875, abs=0.7)


def test_the_standardized_score_does_not_see_the_scale(factors: Any) -> None:
    codes = factors + 0.3 * np.random.default_rng(3).normal(size=factors.shape)
    first, second = (
        partition_score(scale * codes, factors, standardize=True, repeats=0).value
        for scale in (1, 0.01)
    )
    assert first == second > 15
    assert partition_score(0.001 * codes, factors, repeats=0).value < 10


def test_a_factor_that_does_not_vary_has_no_partition(factors: Any) -> None:
    coloured = np.column_stack([np.zeros(ROWS, dtype=int), factors])
    codes = with_noise_latents(factors.astype(float), 0)
    assert partition_score(codes, coloured, repeats=0).value == (
        partition_score(codes, factors, repeats=0).value
    )


@pytest.mark.parametrize(
    ("partitions", "message"),
    [
        (None, "say with partitions"),
        ([(0, 2), (2, 4)], "2 partitions for the 5 factors"),
        ([(0, 1), (1, 2), (2, 3), (3, 4), (3, 5)], "overlap"),
        ([(0, 1), (1, 2), (2, 3), (3, 4), (4, 9)], "outside the 6 latents"),
        ([(0, 1), (1, 2), (2, 3), (3, 4), (4, 4)], "empty"),
    ],
)
def test_partitions_that_do_not_fit_are_an_error(
    partitions: Any, message: str, factors: Any
) -> None:
    with pytest.raises(ValueError, match=message):
        partition_score(np.zeros((ROWS, 6)), factors, partitions=partitions)


def test_sorted_rows_are_an_error(factors: Any) -> None:
    factors = np.column_stack([factors[:, 0], np.arange(ROWS) < ROWS // 2])
    with pytest.raises(ValueError, match="shuffle"):
        partition_score(np.zeros((ROWS, 2)), factors.astype(int))
