"""What the audit knows of each score, and how it asks it about a code."""

import inspect
from collections.abc import Mapping, Sequence

import numpy as np

from distaff.audit.known_cases import KNOWN, DataSet
from distaff.audit.known_codes import SIZES, Code, Question
from distaff.errors import UsageError
from distaff.metrics import METRICS
from distaff.metrics.published.compat import DISENTANGLEMENT_LIB
from distaff.metrics.score import Score

MODES = ("default", DISENTANGLEMENT_LIB)
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
BLIND = (Question.ALIKE, Question.INDEPENDENT)
"""Questions that are answered without factors."""
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
    if metric in OF_COMPLETE_SETS and not KNOWN[given.code].usual_rows:
        return "its rows are no complete set"
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
