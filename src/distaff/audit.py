"""Every score on codes whose quality is known: which of them can be believed, and for what."""

import inspect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from distaff.errors import UsageError
from distaff.figures import AuditPanel, metric_audit
from distaff.known_cases import CASES
from distaff.known_codes import CODES, SIZES, Code, Question
from distaff.metrics import METRICS
from distaff.metrics.compat import DISENTANGLEMENT_LIB
from distaff.processes import in_processes
from distaff.score import Array, Score

KNOWN: Mapping[str, Code] = {**CODES, **CASES}
MODES = ("default", DISENTANGLEMENT_LIB)
ROWS = 2_000
FEWER_ROWS = {("dci", DISENTANGLEMENT_LIB): 300}
"""The published boosted trees fit one ensemble a value, which takes a minute for 2,000 rows."""
LABELS = {"default": (1_000,), DISENTANGLEMENT_LIB: (200,)}
"""Of the downstream accuracy: its published classifier is fitted 50 times for each factor."""

QUESTIONS: Mapping[str, Question] = {
    "mutual-information-gap": Question.COMPACT,
    "jemmig": Question.COMPACT,
    "sap": Question.COMPACT,
    "mig-sup": Question.MODULAR,
    "modularity": Question.MODULAR,
    "interventional-robustness": Question.MODULAR,
    "dci": Question.MODULAR,
    "dci-mig": Question.KNOWN,
    "factor-vae-score": Question.KNOWN,
    "beta-vae-score": Question.KNOWN,
    "info-mec": Question.ALL_THREE,
    "dci-es": Question.READABLE,
    "explicitness": Question.READABLE,
    "downstream-accuracy": Question.READABLE,
    "partition-score": Question.PARTITIONED,
    "udr": Question.ALIKE,
    "gaussian-total-correlation": Question.INDEPENDENT,
    "wasserstein-correlation": Question.INDEPENDENT,
    "pairwise-mutual-information": Question.INDEPENDENT,
}
FLOORS: Mapping[str, float] = {
    "beta-vae-score": 1 / len(SIZES),
    "factor-vae-score": 1 / len(SIZES),
    "explicitness": 0.5,
}
"""What guessing reaches, where it is not 0; not measured, since a score may reward noise."""
ACCURACIES = ("downstream-accuracy", "partition-score")
"""Scores of which guessing reaches the share of the most frequent value of each factor."""
BEST: Mapping[str, float] = {"partition-score": 50.0}
"""Of the score's own range, where it is not 1."""
BLIND = (Question.ALIKE, Question.INDEPENDENT)
"""Questions that are answered without factors."""
UNPUBLISHED = ("jemmig", "mig-sup", "dci-mig", "info-mec", "dci-es", "partition-score")
"""Scores that disentanglement_lib has not."""


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


class DataSet(NamedTuple):
    """What is given to the scores."""

    code: str
    tables: list[Array]
    """Two codes, alike but for their noise, [sample, latent] each."""
    factors: Array
    """[sample, factor]."""


def data_set(code: str, rows: int, seed: int) -> DataSet:
    """Returns a code of known quality with its factors.

    Args:
        code: a name in `KNOWN`.
        rows: images.
        seed: of factors and noise.
    """
    known = KNOWN[code]
    factors = known.factors(rows, seed)
    tables = [known.make(factors, np.random.default_rng([seed, i])) for i in (1, 2)]
    if known.rows is not None:
        kept = known.rows(rows, np.random.default_rng([seed, 3]))
        tables, factors = [table[kept] for table in tables], factors[kept]
    return DataSet(code, tables, factors)


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


def known_names(
    names: Sequence[str] | None, offered: Sequence[str] | Mapping[str, object]
) -> list[str]:
    """Returns the names, or all that are offered.

    Raises:
        UsageError: a name that is not known.
    """
    unknown = [name for name in names or () if name not in offered]
    if unknown:
        raise UsageError(f"{', '.join(unknown)} is not known; give some of {', '.join(offered)}")
    return list(offered if names is None else names)


def _entries(mode: str, code: str, metrics: list[str], rows: int, seed: int) -> list[Entry]:
    given = data_set(code, rows, seed)
    return [_entry(metric, mode, given, seed) for metric in metrics]


def _entry(metric: str, mode: str, given: DataSet, seed: int) -> Entry:
    rows = min(len(given.factors), FEWER_ROWS.get((metric, mode), len(given.factors)))
    entry = Entry(metric, mode, given.code, None, None, None, None, None, rows, 0.0)
    if reason := inapplicable(metric, mode, given):
        return entry._replace(skipped=reason)
    entry = entry._replace(expected=expected_value(metric, given.code))
    begin = time.perf_counter()
    try:
        score = score_of(metric, given, rows=rows, mode=mode, seed=seed, repeats=0)
    except Exception as error:  # whatever it is, it is the finding
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


def expected_value(metric: str, code: str) -> float | None:
    """Returns what a score should say of a code, as a share of the best value.

    That is what its own formula comes to, where that is known, or else the answer to its question.
    None where there is no single one.
    """
    known = KNOWN[code]
    if metric in known.limits:
        return known.limits[metric]
    answer = known.expected[QUESTIONS[metric]]
    return None if answer is None else answer + (1 - answer) * _floor(metric, known)


def _floor(metric: str, known: Code) -> float:
    """What guessing reaches for the factors that the code has lost."""
    if metric in ACCURACIES:
        return float(np.mean([1 / SIZES[factor] for factor in known.lost]))
    return FLOORS.get(metric, 0.0)


def inapplicable(metric: str, mode: str, given: DataSet) -> str:
    """Returns why a score cannot be asked about a code; nothing where it can."""
    latents = given.tables[0].shape[1]
    if mode == DISENTANGLEMENT_LIB and metric in UNPUBLISHED:
        return "disentanglement_lib has no such score"
    if metric == "partition-score" and latents != len(SIZES):
        return f"{latents} latents for {len(SIZES)} factors"
    asked, told = KNOWN[given.code].settings, _settings(metric, given.code)
    if "factor_kinds" in asked and "factor_kinds" not in told and QUESTIONS[metric] not in BLIND:
        return "its factors are discrete"
    if "active" in asked and not told:
        return "it cannot be told which latents count"
    return ""


def _settings(metric: str, code: str) -> dict[str, object]:
    """Those of the code for which the score has an argument."""
    known = inspect.signature(METRICS[metric]).parameters
    return {name: value for name, value in KNOWN[code].settings.items() if name in known}


def score_of(
    metric: str, given: DataSet, *, rows: int, mode: str, seed: int, repeats: int | None
) -> Score:
    """Returns what a score says of the first rows of a code.

    Args:
        metric: name of the score.
        given: code and factors.
        rows: how many rows are given to it.
        mode: "default" or "disentanglement_lib".
        seed: of the score.
        repeats: halves for its interval; None for as many as the score itself takes.
    """
    tables = [table[:rows] for table in given.tables]
    settings = _settings(metric, given.code)
    if metric == "downstream-accuracy":
        settings["labels"] = LABELS[mode]
    if repeats is not None:
        settings["repeats"] = repeats
    with np.errstate(all="ignore"):
        return METRICS[metric](
            tables if metric == "udr" else tables[0],
            given.factors[:rows],
            compat=None if mode == "default" else mode,
            seed=seed,
            **settings,
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
