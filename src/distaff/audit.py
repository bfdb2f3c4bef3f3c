"""Every score on codes whose quality is known: which of them can be believed, and for what."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from distaff.errors import UsageError
from distaff.figures import AuditPanel, metric_audit
from distaff.known_codes import CODES, SIZES, Question
from distaff.metrics import METRICS
from distaff.metrics.compat import DISENTANGLEMENT_LIB
from distaff.score import Array, Score

MODES = ("default", DISENTANGLEMENT_LIB)
ROWS = 2_000
FEWER_ROWS = {("dci", DISENTANGLEMENT_LIB): 300}
"""The published boosted trees fit one ensemble a value, which takes a minute for 2,000 rows."""
LABELS = {"default": (1_000,), DISENTANGLEMENT_LIB: (200,)}
"""Of the downstream accuracy: its published classifier is fitted 50 times for each factor."""

QUESTIONS: Mapping[str, Question] = {
    "mutual-information-gap": Question.COMPACT,
    "jemmig": Question.COMPACT,
    "dmig": Question.COMPACT,
    "xmig": Question.COMPACT,
    "unibound": Question.COMPACT,
    "sap": Question.COMPACT,
    "tad": Question.COMPACT,
    "mig-sup": Question.MODULAR,
    "dlig": Question.MODULAR,
    "med": Question.MODULAR,
    "modularity": Question.MODULAR,
    "interventional-robustness": Question.MODULAR,
    "dci": Question.MODULAR,
    "dci-mig": Question.KNOWN,
    "factor-vae-score": Question.KNOWN,
    "beta-vae-score": Question.KNOWN,
    "mcc": Question.KNOWN,
    "info-mec": Question.ALL_THREE,
    "edi": Question.ALL_THREE,
    "omes": Question.BOTH,
    "dci-es": Question.READABLE,
    "explicitness": Question.READABLE,
    "downstream-accuracy": Question.READABLE,
    "weak-mcc": Question.READABLE,
    "r-squared": Question.READABLE,
    "partition-score": Question.PARTITIONED,
    "d-lsbd": Question.CIRCLES,
    "udr": Question.ALIKE,
    "gaussian-total-correlation": Question.INDEPENDENT,
    "wasserstein-correlation": Question.INDEPENDENT,
    "pairwise-mutual-information": Question.INDEPENDENT,
    "factorized-support": Question.INDEPENDENT,
}
FLOORS: Mapping[str, float] = {
    "beta-vae-score": 1 / len(SIZES),
    "factor-vae-score": 1 / len(SIZES),
    "explicitness": 0.5,
    "omes": 1 / len(SIZES),
}
"""What guessing reaches, where it is not 0; not measured, since a score may reward noise."""
ACCURACIES = ("downstream-accuracy", "partition-score")
"""Scores of which guessing reaches the share of the most frequent value of each factor."""
BEST: Mapping[str, float] = {"partition-score": 50.0}
"""Of the score's own range, where it is not 1."""
UNPUBLISHED = (
    "jemmig",
    "mig-sup",
    "dci-mig",
    "info-mec",
    "dci-es",
    "partition-score",
    "mcc",
    "weak-mcc",
    "dmig",
    "xmig",
    "dlig",
    "unibound",
    "med",
    "tad",
    "factorized-support",
    "omes",
    "d-lsbd",
    "r-squared",
    "edi",
)
"""Scores that disentanglement_lib has not."""
OF_COMPLETE_SETS = ("omes", "d-lsbd")
"""Scores of images that share all factors but one, of which random rows have hardly any."""
COMPLETE_SIZES = (3, 4, 5, 4, 4)
"""Numbers of values of the complete set that these see instead."""


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
    on_result: Callable[[Entry], None] | None = None,
) -> list[Entry]:
    """Runs scores on codes whose quality is known; minutes for all of them.

    Args:
        rows: images, with factors of as many values as those of dSprites.
        modes: "default" and "disentanglement_lib", or one of them.
        metrics: names of scores; by default all.
        codes: names of codes; by default all.
        seed: of factors, noise and scores.
        on_result: called with each entry when it is known.

    Raises:
        UsageError: a name that is not known.
    """
    chosen = [_known(codes, CODES), _known(metrics, QUESTIONS), _known(modes, MODES)]
    factors = np.random.default_rng([seed, 0]).integers(0, SIZES, size=(rows, len(SIZES)))
    complete = np.array(list(np.ndindex(*COMPLETE_SIZES)))
    entries = []
    # code by code, since scores of information remember what they estimated of the latest ones
    for mode in chosen[2]:
        for code in chosen[0]:
            random, grid = (_tables(code, rows, seed) for rows in (factors, complete))
            for metric in chosen[1]:
                of_grid = metric in OF_COMPLETE_SETS
                tables, labels = (grid, complete) if of_grid else (random, factors)
                entries.append(_entry(metric, mode, code, tables, labels, seed))
                if on_result is not None:
                    on_result(entries[-1])
    return entries


def _tables(code: str, factors: Array, seed: int) -> list[Array]:
    """Returns the code of two models that differ by their seed."""
    return [CODES[code].make(factors, np.random.default_rng([seed, i])) for i in (1, 2)]


def _known(names: Sequence[str] | None, offered: Sequence[str] | Mapping[str, object]) -> list[str]:
    unknown = [name for name in names or () if name not in offered]
    if unknown:
        raise UsageError(f"{', '.join(unknown)} is not known; give some of {', '.join(offered)}")
    return list(offered if names is None else names)


def _entry(
    metric: str, mode: str, code: str, tables: list[Array], factors: Array, seed: int
) -> Entry:
    rows = min(len(factors), FEWER_ROWS.get((metric, mode), len(factors)))
    answer = CODES[code].expected[QUESTIONS[metric]]
    expected = None if answer is None else answer + (1 - answer) * _floor(metric, code)
    entry = Entry(metric, mode, code, None, expected, None, None, None, rows, 0.0)
    if reason := _inapplicable(metric, mode, tables[0]):
        return entry._replace(skipped=reason, expected=None)
    begin = time.perf_counter()
    try:
        with np.errstate(all="ignore"):
            score = _score(metric, mode, [table[:rows] for table in tables], factors[:rows], seed)
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


def _floor(metric: str, code: str) -> float:
    """What guessing reaches for the factors that the code has lost."""
    if metric in ACCURACIES:
        return float(np.mean([1 / SIZES[factor] for factor in CODES[code].lost]))
    return FLOORS.get(metric, 0.0)


def _inapplicable(metric: str, mode: str, codes: Array) -> str:
    if mode == DISENTANGLEMENT_LIB and metric in UNPUBLISHED:
        return "disentanglement_lib has no such score"
    if metric == "partition-score" and codes.shape[1] != len(SIZES):
        return f"{codes.shape[1]} latents for {len(SIZES)} factors"
    return ""


def _score(metric: str, mode: str, tables: list[Array], factors: Array, seed: int) -> Score:
    settings = {"labels": LABELS[mode]} if metric == "downstream-accuracy" else {}
    return METRICS[metric](
        tables if metric == "udr" else tables[0],
        factors,
        compat=None if mode == "default" else mode,
        seed=seed,
        repeats=0,
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
