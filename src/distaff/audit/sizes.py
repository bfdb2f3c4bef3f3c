"""Every score on the same code with ever more images: what it says must not depend on how many."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from distaff.audit.known_cases import data_set
from distaff.audit.processes import in_processes
from distaff.audit.scores import (
    BEST,
    OF_COMPLETE_SETS,
    QUESTIONS,
    expected_value,
    inapplicable,
    known_names,
    score_of,
)
from distaff.figures import SizePanel, metric_sizes

CODES = ("noise of half the spread", "continuous, ρ = 0.9", "noise")
DATA_SETS: Mapping[int, int] = {200: 20, 500: 12, 1_000: 8, 3_000: 4, 10_000: 2, 30_000: 1}
"""For each number of images; the spread of the scores shrinks as the cost grows."""


class SizeEntry(NamedTuple):
    """What one score says of one code at one number of images; plain types for JSON."""

    metric: str
    code: str
    rows: int
    data_sets: int
    """Of which the score gave a number."""
    value: float | None
    """Mean over the data sets, as a share of the best value; None where there is none."""
    spread: float | None
    """Standard deviation over the data sets; None for fewer than two."""
    expected: float | None
    """What the score should tend to; None where that is not known."""
    error: str = ""
    """Why a data set gave no number."""


def audit_sizes(
    *,
    data_sets: Mapping[int, int] = DATA_SETS,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    processes: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[SizeEntry]:
    """Runs scores, in the default mode, on the codes `CODES` with few and with many images.

    Scores that cannot be asked about a code have no entry for it.

    Args:
        data_sets: number of images -> number of data sets, each with its own factors and noise.
        metrics: names of scores; by default all.
        seed: of factors, noise and scores.
        processes: that share the work, each with one thread; -1 for one a core.
        on_progress: called with how many data sets are done and how many there are.

    Raises:
        UsageError: a name that is not known.
    """
    names = [name for name in known_names(metrics, QUESTIONS) if name not in OF_COMPLETE_SETS]
    # the largest first, so that none is left to a single process at the end
    jobs = [
        (code, rows, names, seed + number)
        for rows in sorted(data_sets, reverse=True)
        for number in range(data_sets[rows])
        for code in CODES
    ]
    found: dict[tuple[str, str, int], list[float | str]] = {}
    for done, (job, values) in enumerate(
        zip(jobs, in_processes(_values, jobs, processes), strict=True), start=1
    ):
        for metric, value in values.items():
            found.setdefault((metric, *job[:2]), []).append(value)
        if on_progress is not None:
            on_progress(done, len(jobs))
    places = [(m, c, n) for m in names for c in CODES for n in sorted(data_sets)]
    return [_entry(*place, found[place]) for place in places if place in found]


def _values(code: str, rows: int, metrics: list[str], seed: int) -> dict[str, float | str]:
    """For each score that applies its value, or why it has none."""
    given = data_set(code, rows, seed)
    found: dict[str, float | str] = {}
    for metric in metrics:
        if inapplicable(metric, "default", given):
            continue
        try:
            score = score_of(metric, given, rows=rows, mode="default", seed=seed, repeats=0)
        except Exception as error:  # any error is a result
            found[metric] = f"{type(error).__name__}: {error}"
        else:
            found[metric] = score.value / BEST.get(metric, 1.0)
    return found


def _entry(metric: str, code: str, rows: int, found: Sequence[float | str]) -> SizeEntry:
    values = [value for value in found if isinstance(value, float) and np.isfinite(value)]
    reasons = [value for value in found if isinstance(value, str)]
    return SizeEntry(
        metric=metric,
        code=code,
        rows=rows,
        data_sets=len(values),
        value=float(np.mean(values)) if values else None,
        spread=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        expected=expected_value(metric, code),
        error=reasons[0] if reasons else "" if len(values) == len(found) else "NaN",
    )


def sizes_figure(entries: Sequence[SizeEntry]) -> Figure:
    """Draws a panel for each score and a curve for each code."""
    metrics = dict.fromkeys(entry.metric for entry in entries)
    return metric_sizes([_panel(metric, entries) for metric in metrics], code_names=CODES)


def _panel(metric: str, entries: Sequence[SizeEntry]) -> SizePanel:
    sizes = sorted({entry.rows for entry in entries})
    cells = {(e.code, e.rows): e for e in entries if e.metric == metric}

    def table(read: Callable[[SizeEntry], float | None]) -> np.ndarray:
        numbers = [
            [read(cells[code, rows]) if (code, rows) in cells else None for rows in sizes]
            for code in CODES
        ]
        return np.array(numbers, dtype=np.float64)

    return SizePanel(
        name=metric,
        sizes=sizes,
        values=table(lambda entry: entry.value),
        spreads=table(lambda entry: entry.spread),
        limits=table(lambda entry: entry.expected)[:, 0],
    )
