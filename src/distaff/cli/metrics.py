"""The verb on single metrics: distaff metrics explain."""

import shutil
import textwrap
from collections.abc import Callable
from typing import Annotated

import tyro

from distaff.errors import UsageError

METRICS_DESCRIPTION = """What the metrics say. `distaff list` shows their names, `distaff evaluate`
measures with them, `distaff audit` shows which can be believed."""


def metrics(verb: Annotated[str, tyro.conf.Positional]) -> None:
    """Explain what a metric asks and what fools it.

    Example: distaff metrics explain mcc

    Args:
        verb: explain.
    """
    raise UsageError(f"give the verb first: distaff metrics {verb}.")


def explain(name: Annotated[str, tyro.conf.Positional]) -> None:
    """Print what a metric asks, its formula, range and chance, and what fools it.

    Examples:
        distaff metrics explain mcc
        distaff metrics explain dci

    Args:
        name: Of the metric; distaff list shows all.
    """
    from distaff.metrics import METRICS
    from distaff.metrics.explanation import explanation

    metric = METRICS.look_up(name)
    known = next(each for each, function in METRICS.items() if function is metric)
    print("\n\n".join(map(_wrapped, explanation(known, metric).split("\n\n"))))


def _wrapped(paragraph: str) -> str:
    """Prose as wide as the terminal; formulas and lists keep their lines."""
    width = min(shutil.get_terminal_size().columns, 100)
    if paragraph.startswith((" ", "- ")):
        return paragraph
    return textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False)


METRICS_VERBS: dict[str, Callable[..., None]] = {"explain": explain}
