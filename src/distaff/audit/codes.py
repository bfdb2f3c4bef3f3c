"""Every score on codes whose quality is known: which of them can be believed, and for what."""

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from distaff.arrays import Array
from distaff.audit.known_cases import KNOWN, DataSet, complete_set, data_set
from distaff.audit.processes import in_processes
from distaff.audit.scores import (
    BEST,
    MODES,
    OF_COMPLETE_SETS,
    QUESTIONS,
    expected_value,
    inapplicable,
    known_names,
    score_of,
)
from distaff.figures import AuditPanel, metric_audit
from distaff.metrics.published.compat import DISENTANGLEMENT_LIB

ROWS = 2_000
FEWER_ROWS = {("dci", DISENTANGLEMENT_LIB): 300}
"""The published boosted trees fit one ensemble a value, which takes a minute for 2,000 rows."""


class Entry(NamedTuple):
    """What one score says of one code; plain types, so that JSON can hold it."""

    metric: str
    mode: str
    code: str
    value: float | None
    """As a share of the best value; None where there is none."""
    expected: float | None
    """On the scale of `value`: what an infallible score of this question would say."""
    raw: float | None
    chance: float | None
    ceiling: float | None
    rows: int
    seconds: float
    error: str = ""
    """Why a score that was asked has no value."""
    skipped: str = ""
    """Why it was not asked."""


def audit(
    *,
    rows: int = ROWS,
    modes: Sequence[str] = MODES,
    metrics: Sequence[str] | None = None,
    codes: Sequence[str] | None = None,
    seed: int = 0,
    processes: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Entry]:
    """Runs scores on codes whose quality is known; minutes for all of them.

    Args:
        rows: images, with factors of as many values as those of dSprites.
        modes: "default" and "disentanglement_lib", or one of them.
        metrics: names of scores; by default all.
        codes: names of codes; by default all.
        seed: of factors, noise and scores.
        processes: that share the work, each with one thread; -1 for one a core.
        on_progress: called with how many entries are known and how many there will be.

    Raises:
        UsageError: a name that is not known.
    """
    chosen = [known_names(codes, KNOWN), known_names(metrics, QUESTIONS), known_names(modes, MODES)]
    # code by code, since scores of information remember what they estimated of the latest ones
    jobs = [(mode, code, chosen[1], rows, seed) for mode in chosen[2] for code in chosen[0]]
    entries: list[Entry] = []
    for found in in_processes(_entries, jobs, processes):
        entries += found
        if on_progress is not None:
            on_progress(len(entries), len(jobs) * len(chosen[1]))
    return entries


def _entries(mode: str, code: str, metrics: list[str], rows: int, seed: int) -> list[Entry]:
    random, grid = data_set(code, rows, seed), complete_set(code, seed)
    return [
        _entry(metric, mode, grid if metric in OF_COMPLETE_SETS else random, seed)
        for metric in metrics
    ]


def _entry(metric: str, mode: str, given: DataSet, seed: int) -> Entry:
    rows = min(len(given.factors), FEWER_ROWS.get((metric, mode), len(given.factors)))
    entry = Entry(metric, mode, given.code, None, None, None, None, None, rows, 0.0)
    if reason := inapplicable(metric, mode, given):
        return entry._replace(skipped=reason)
    entry = entry._replace(expected=expected_value(metric, given.code))
    begin = time.perf_counter()
    try:
        score = score_of(metric, given, rows=rows, mode=mode, seed=seed, repeats=0)
    except Exception as error:  # any error is a result
        reason = f"{type(error).__name__}: {error}"
        return entry._replace(error=reason, seconds=time.perf_counter() - begin)
    raw, chance, ceiling = map(_finite, (score.value, score.chance, score.ceiling))
    return entry._replace(
        value=None if raw is None else raw / BEST.get(metric, 1.0),
        raw=raw,
        chance=chance,
        ceiling=ceiling,
        seconds=time.perf_counter() - begin,
        error="NaN" if raw is None else "",
    )


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def audit_figure(entries: Sequence[Entry]) -> Figure:
    """Draws a panel for each mode, a row for each score that it has and a column for each code."""
    codes = list(dict.fromkeys(entry.code for entry in entries))
    modes = dict.fromkeys(entry.mode for entry in entries)
    return metric_audit([_panel(mode, codes, entries) for mode in modes], code_names=codes)


def _panel(mode: str, codes: list[str], entries: Sequence[Entry]) -> AuditPanel:
    cells = {(e.metric, e.code): e for e in entries if e.mode == mode}
    asked = {e.metric for e in cells.values() if not e.skipped}
    metrics = [name for name in QUESTIONS if name in asked]

    def table(read: Callable[[Entry], float | None]) -> Array:
        values = [[read(cells[metric, code]) for code in codes] for metric in metrics]
        return np.array(values, dtype=np.float64).reshape(len(metrics), len(codes))

    return AuditPanel(
        title=f"{mode} mode",
        score_names=metrics,
        groups=[QUESTIONS[name] for name in metrics],
        values=table(lambda entry: entry.value),
        expected=table(lambda entry: entry.expected),
        failed=table(lambda entry: float(bool(entry.error))) > 0,
    )
