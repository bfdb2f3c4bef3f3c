"""How often the 95 % interval of a score holds what it should: its mean over many data sets."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from distaff.audit.known_cases import data_set
from distaff.audit.processes import in_processes
from distaff.audit.scores import OF_COMPLETE_SETS, QUESTIONS, inapplicable, known_names, score_of

CODE = "noise of half the spread"
ROWS = 1_000
DATA_SETS = 100
NEGLIGIBLE = 0.001
"""Share of an estimate's range: an interval this far off is right, as one at the end of the range,
with next to no width."""


class CoverageEntry(NamedTuple):
    """How often the intervals of one score are right; plain types for JSON."""

    metric: str
    rows: int
    data_sets: int
    """Of which the score gave an interval."""
    coverage: float | None = None
    """Share of the intervals that hold the mean of the values; None without an interval."""
    low: float | None = None
    """Lower end of the 95 % interval of that share (Wilson 1927, JASA 22(158))."""
    high: float | None = None
    """Its upper end."""
    mean: float | None = None
    """Of the values."""
    spread: float | None = None
    """Standard deviation of the values."""
    half_width: float | None = None
    """Mean half width of the intervals; 1.96 times the spread if the values are normal."""
    error: str = ""
    """Why a data set gave no value."""


def audit_coverage(
    *,
    data_sets: int = DATA_SETS,
    rows: int = ROWS,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    processes: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[CoverageEntry]:
    """Runs scores with their intervals, in the default mode, on many data sets of one noisy code.

    An interval is about the choice of images, so it should hold the mean over such choices in 95 of
    100 data sets. That mean is taken of the data sets themselves; with 100 of them its own error
    widens the spread by half a percent.

    Args:
        data_sets: each with its own factors, noise and seed of the scores.
        rows: images in each.
        metrics: names of scores; by default all.
        seed: of the first data set; the others follow.
        processes: that share the work, each with one thread; -1 for one a core.
        on_progress: called with how many data sets are done and how many there are.

    Raises:
        UsageError: a name that is not known.
    """
    names = [name for name in known_names(metrics, QUESTIONS) if name not in OF_COMPLETE_SETS]
    jobs = [(names, rows, seed + number) for number in range(data_sets)]
    found: dict[str, list[Estimate | str]] = {}
    for done, estimates in enumerate(in_processes(_estimates, jobs, processes), start=1):
        for metric, estimate in estimates.items():
            found.setdefault(metric, []).append(estimate)
        if on_progress is not None:
            on_progress(done, data_sets)
    return [_entry(metric, rows, found[metric]) for metric in names if metric in found]


Estimate = tuple[float, float, float]
"""A value and the ends of its interval, which are NaN where it has none."""


def _estimates(metrics: list[str], rows: int, seed: int) -> dict[str, Estimate | str]:
    """The value of each score that applies, or why it has none."""
    given = data_set(CODE, rows, seed)
    found: dict[str, Estimate | str] = {}
    for metric in metrics:
        if inapplicable(metric, "default", given):
            continue
        try:
            score = score_of(metric, given, rows=rows, mode="default", seed=seed, repeats=None)
        except Exception as error:  # any error is a result
            found[metric] = f"{type(error).__name__}: {error}"
        else:
            found[metric] = (score.value, *(score.interval or (np.nan, np.nan)))
    return found


def _entry(metric: str, rows: int, found: Sequence[Estimate | str]) -> CoverageEntry:
    reasons = [estimate for estimate in found if isinstance(estimate, str)]
    given = [estimate for estimate in found if not isinstance(estimate, str)]
    values = np.array([e for e in given if np.isfinite(e).all()]).reshape(-1, 3)
    entry = CoverageEntry(metric, rows, len(values), error="".join(reasons[:1]))
    if len(values) < 2:
        return entry
    value, low, high = values.T
    slack = NEGLIGIBLE * max(1.0, np.abs(value).max())
    held = (low - slack <= value.mean()) & (value.mean() <= high + slack)
    error = binomtest(int(held.sum()), len(held)).proportion_ci(method="wilson")
    return entry._replace(
        coverage=float(held.mean()),
        low=float(error.low),
        high=float(error.high),
        mean=float(value.mean()),
        spread=float(value.std(ddof=1)),
        half_width=float((high - low).mean() / 2),
    )
