from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2, chi2_contingency, norm

from distaff.metrics.information.columns import columns_of
from distaff.metrics.information.evidence import SURE, as_normal, deviation_of_groups, weight
from distaff.metrics.information.mutual_information import estimates


@pytest.mark.parametrize("freedom", [1, 4, 16, 300])
@pytest.mark.parametrize("deviation", [-1.0, 0.0, 1.5, 3.0, 5.0])
def test_chi_squared_becomes_the_normal_number_of_the_same_probability(
    freedom: int, deviation: float
) -> None:
    statistic = chi2.isf(norm.sf(deviation), freedom)
    found = as_normal(statistic, freedom)
    assert found == pytest.approx(deviation, abs=0.15) if deviation < 5 else 4.6 < found < 5.1


def test_chi_squared_is_that_of_scipy() -> None:
    counts = np.random.default_rng(0).integers(1, 30, size=(4, 5))
    statistic, probability, freedom, _ = chi2_contingency(counts, correction=False)
    assert deviation_of_groups(counts, int(counts.sum())) == as_normal(statistic, freedom)
    assert deviation_of_groups(counts, int(counts.sum())) == pytest.approx(
        norm.isf(probability), abs=0.1
    )


def test_the_weight_is_the_probability_of_passing_six_deviations_again() -> None:
    passed = np.random.default_rng(0).normal(size=100_000) + 5.5 > SURE
    assert weight(np.array([[5.5]]))[0, 0] == pytest.approx(passed.mean(), abs=0.01)


def test_half_of_the_rows_speak_for_all() -> None:
    generator = np.random.default_rng(0)
    factor = generator.integers(0, 6, size=(2000, 1))
    latents = columns_of(factor + 10 * generator.normal(size=(2000, 1)))
    known = columns_of(factor, np.array([True]))
    whole = estimates(latents, known, seed=0).evidence[0, 0]
    halves = []
    for _ in range(60):
        rows = generator.permutation(2000)[:1000]
        halves.append(estimates(latents.at(rows), known.at(rows), seed=0).evidence[0, 0])
    assert 0.2 < whole < 0.99
    assert np.mean(halves) == pytest.approx(whole, abs=0.25)


@pytest.mark.parametrize("rows", [100, 500, 5000])
def test_noise_of_any_kind_has_no_weight(rows: int) -> None:
    generator = np.random.default_rng(0)
    total, pairs = 0.0, 0
    for _ in range(10_000 // rows):
        rare = generator.uniform(size=(rows, 2)) < [0.03, 0.1]
        columns = np.c_[
            generator.normal(size=(rows, 4)),
            generator.integers(0, [2, 6, 40], size=(rows, 3)),
            rare,
            generator.normal(size=rows) * rare[:, 0],
        ]
        factors = np.c_[
            generator.integers(0, [2, 6, 40], size=(rows, 3)), generator.normal(size=rows)
        ]
        known = columns_of(factors, np.array([True, True, True, False]))
        evidence = estimates(columns_of(columns), known, seed=0).evidence
        total, pairs = total + evidence.sum(), pairs + evidence.size
    assert total / pairs < 0.003


def test_the_weight_of_weak_information_rises_smoothly_with_the_rows() -> None:
    """Noise three times the signal."""

    def evidence(rows: Any) -> Any:
        generator = np.random.default_rng(1)
        found = []
        for _ in range(40):
            factor = generator.integers(0, 6, size=(rows, 1))
            code = (factor - 2.5) / 1.708 + 3 * generator.normal(size=(rows, 1))
            known = columns_of(factor, np.array([True]))
            found.append(estimates(columns_of(code), known, seed=0).evidence[0, 0])
        return np.mean(found)

    weights = [evidence(rows) for rows in (100, 250, 400, 600, 1200)]
    assert (np.diff(weights) > 0).all()
    assert np.diff(weights).max() < 0.6
    assert weights[0] < 0.05
    assert weights[-1] > 0.9


def test_information_within_a_group_is_seen_by_its_size() -> None:
    """The parity of a fine grid leaves each group of latents with both values."""
    generator = np.random.default_rng(0)
    code = generator.integers(0, 100, size=(3000, 1))
    known = columns_of(code % 2, np.array([True]))
    found = estimates(columns_of(code.astype(float)), known, seed=0)
    assert found.information[0, 0] == pytest.approx(np.log(2), abs=0.05)
    assert found.evidence[0, 0] > 0.99
