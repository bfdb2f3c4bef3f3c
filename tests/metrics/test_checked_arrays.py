from typing import Any

import numpy as np
import pytest

from distaff.audit.known_codes import Question
from distaff.audit.scores import QUESTIONS
from distaff.metrics import METRICS, mutual_information_gap
from distaff.metrics.arrays import FEWEST_ROWS, checked, first_of_each

OF_ONE_TABLE = [name for name in METRICS if name != "udr"]
WITH_FACTORS_AS_CEILING = [n for n in OF_ONE_TABLE if QUESTIONS[n] is not Question.CIRCLES]


@pytest.fixture
def generator() -> Any:
    return np.random.default_rng(5)


def test_rows_drawn_twice_are_found(generator: np.random.Generator) -> None:
    codes, factors = generator.normal(size=(500, 3)), generator.integers(0, 3, size=(500, 2))
    drawn = generator.integers(0, 500, size=2000)
    kept = first_of_each(codes[drawn], factors[drawn])
    _, first = np.unique(drawn, return_index=True)
    assert kept.tolist() == np.sort(first).tolist()


def test_a_code_of_few_values_has_no_repeats(generator: np.random.Generator) -> None:
    factors = generator.integers(0, 3, size=(2000, 2))
    assert len(first_of_each(factors.astype(float), factors)) == 2000


def test_zeros_of_a_sparse_code_are_no_repeats(generator: np.random.Generator) -> None:
    codes = generator.normal(size=(1000, 2)) * (generator.uniform(size=(1000, 2)) > 0.6)
    factors = (codes > 0).astype(int)
    assert len(first_of_each(codes, factors)) == 1000
    drawn = generator.integers(0, 1000, size=1500)
    dense = codes.any(axis=1)
    kept = first_of_each(codes[drawn], factors[drawn])
    assert len(kept) == len(np.unique(drawn[dense[drawn]])) + (~dense[drawn]).sum()  # type: ignore[index]


def test_too_few_rows_are_never_what_is_left(generator: np.random.Generator) -> None:
    codes = generator.normal(size=(FEWEST_ROWS - 1, 2))
    drawn = generator.integers(0, len(codes), size=1000)
    assert len(first_of_each(codes[drawn], codes[drawn] > 0)) == 1000


def test_repeats_are_left_out_and_said(generator: np.random.Generator) -> None:
    factors = generator.integers(0, 5, size=(1500, 2))
    codes = factors + 0.5 * generator.normal(size=factors.shape)
    drawn = np.concatenate([np.arange(1500), generator.integers(0, 1500, size=4000)])
    once = mutual_information_gap(codes, factors)
    often = mutual_information_gap(codes[drawn], factors[drawn])
    assert often.value == pytest.approx(once.value, abs=1e-9)
    assert "4000 repeats left out" in often.estimator
    assert "repeats" not in once.estimator


@pytest.mark.parametrize("name", OF_ONE_TABLE)
def test_a_latent_that_is_not_active_is_a_dead_one(
    name: str, generator: np.random.Generator
) -> None:
    factors = generator.integers(0, 3, size=(600, 3))
    codes = factors + 0.3 * generator.normal(size=factors.shape)
    dead = codes * [1, 1, 0]
    active = np.array([0.1, 2.0, 0.001]) > 0.01
    score = METRICS[name](codes, factors, active=active, repeats=2)
    assert score.value == METRICS[name](dead, factors, repeats=2).value
    assert score.parts["dead latents"] == 1


@pytest.mark.parametrize("active", [[True], np.array([1, 1, 0])])
def test_active_is_a_truth_for_each_latent(active: Any, generator: np.random.Generator) -> None:
    factors = generator.integers(0, 3, size=(600, 3))
    with pytest.raises(ValueError, match="True or False for each of the 3 latents"):
        mutual_information_gap(factors.astype(float), factors, active=active)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", WITH_FACTORS_AS_CEILING)
def test_a_seed_shared_with_the_factors_means_nothing(name: str, seed: int) -> None:
    factors = np.random.default_rng(seed).integers(0, 3, size=(2000, 2))
    score = METRICS[name](factors.astype(float), factors, seed=seed, repeats=0)
    assert score.value == pytest.approx(score.ceiling, abs=0.02)
    assert score.chance < score.ceiling or QUESTIONS[name] is Question.INDEPENDENT


@pytest.mark.parametrize("scale", [1e300, 4e307, 1e-300, 1e-320])
@pytest.mark.parametrize("name", OF_ONE_TABLE)
def test_numbers_that_overflow_or_vanish_when_squared_give_a_finite_score(
    name: str, scale: float, generator: np.random.Generator
) -> None:
    factors = generator.integers(0, 4, size=(600, 3))
    codes = scale * (factors + 0.1 * generator.normal(size=factors.shape))
    try:
        score = METRICS[name](codes, factors, repeats=0)
    except ValueError:
        return  # it asks for a complete set, and says so
    assert np.isfinite([score.value, score.chance, score.ceiling]).all()


CODES = np.random.default_rng(0).normal(size=(200, 3))


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (np.full((200, 2), np.inf), "factors are NaN or infinite"),
        (np.full((200, 2), 0.5), "whole numbers, words or truth values"),
        (np.arange(400.0).reshape(200, 2) * 1e30, "above 2\\^63"),
        (np.ma.masked_array(np.ones((200, 2)), True), "masked"),
        (np.full((200, 2), None), "row 1 has no value"),
    ],
)
def test_factors_that_are_none_are_refused(factors: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked(CODES, factors, None)


@pytest.mark.parametrize("codes", [np.full((200, 3), "a"), np.full((200, 3), None, dtype=object)])
def test_codes_that_are_no_numbers_are_refused(codes: Any) -> None:
    with pytest.raises(ValueError, match=r"give numbers|NaN or infinite"):
        checked(codes, np.arange(400).reshape(200, 2) % 3, None)


def test_words_and_truth_values_are_taken_for_what_they_are() -> None:
    index = np.random.default_rng(1).integers(0, 2, (200, 2))
    expected = checked(CODES, index, None).factors
    for factors in (index == 1, np.array(["no", "yes"])[index], index.astype(object)):
        assert np.array_equal(checked(CODES, factors, None).factors, expected)
