"""The coverage of intervals is found where it is known."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student
from stand_in import stand_in

from distaff.audit.coverage import CODE, CoverageEntry, audit_coverage
from distaff.audit.known_cases import KNOWN
from distaff.audit.known_codes import perfect
from distaff.metrics.score import Score

DATA_SETS, ROWS = 300, 100


def mean_of_noise(width: Any) -> Any:
    """A score: the mean of the noise of a latent, and its t interval with a width to choose."""

    def score(codes: Any, factors: Any, **_: Any) -> Any:
        noise = codes[:, 0] - perfect(factors)[:, 0]
        value = noise.mean()
        half = student.ppf(0.975, len(noise) - 1) * noise.std(ddof=1) / np.sqrt(len(noise))
        return Score(value, (value - width * half, value + width * half), 0.0, 1.0, "", {})

    return score


def coverage_of(score: Any, monkeypatch: pytest.MonkeyPatch, data_sets: Any = DATA_SETS) -> Any:
    stand_in(monkeypatch, "sap", score)
    (entry,) = audit_coverage(data_sets=data_sets, rows=ROWS, metrics=["sap"])
    return entry


def test_an_interval_that_is_right_covers_95_of_100(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = coverage_of(mean_of_noise(1.0), monkeypatch)
    # as often as a binomial variable of 95 % in 999 cases of 1,000
    assert 0.905 <= entry.coverage <= 0.985
    assert entry.low < 0.95 < entry.high
    assert entry.data_sets == DATA_SETS
    assert entry.spread == pytest.approx(0.5 / np.sqrt(ROWS), rel=0.15)
    assert entry.half_width == pytest.approx(1.98 * 0.5 / np.sqrt(ROWS), rel=0.05)


def test_an_interval_that_is_too_narrow_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = coverage_of(mean_of_noise(0.5), monkeypatch)
    truth = 2 * norm.cdf(0.98) - 1
    assert entry.coverage == pytest.approx(truth, abs=0.09)
    assert entry.high < 0.8


def test_an_interval_that_is_too_wide_covers_more(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = coverage_of(mean_of_noise(3.0), monkeypatch)
    assert entry.coverage == 1
    assert entry.low == pytest.approx(DATA_SETS / (DATA_SETS + 1.96**2), abs=1e-4)  # Wilson 1927


def test_an_interval_of_no_width_at_the_end_of_the_range_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def best(*_: Any, seed: int, **__: Any) -> Any:
        value = 1 - 1e-12 * (seed % 2)
        return Score(value, (value, value), 0.0, 1.0, "", {})

    assert coverage_of(best, monkeypatch, data_sets=10).coverage == 1


def test_what_has_no_interval_or_no_value_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def bare(*_: Any, seed: int, **__: Any) -> Any:
        if seed == 3:
            raise ZeroDivisionError("by design")
        return Score(0.5, None, 0.0, 1.0, "", {})

    entry = coverage_of(bare, monkeypatch, data_sets=5)
    assert entry == CoverageEntry("sap", ROWS, 0, error="ZeroDivisionError: by design")


def test_real_scores_are_given_their_halves_and_what_cannot_be_asked_is_left_out() -> None:
    names = ["mutual-information-gap", "udr"]
    seen = []
    found = audit_coverage(
        data_sets=4, rows=200, metrics=names, on_progress=lambda *n: seen.append(n)
    )
    assert [entry.metric for entry in found] == names
    assert all(entry.half_width > 0 and entry.data_sets == 4 for entry in found)  # type: ignore[operator]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert CODE in KNOWN
