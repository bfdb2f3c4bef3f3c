"""What a score asks, its formula and what fools it, in words for people."""

import inspect
from collections.abc import Callable

from distaff.metrics.caveats import CAVEATS
from distaff.metrics.score import Score


def explanation(name: str, metric: Callable[..., Score]) -> str:
    """Returns the text of `distaff metrics explain`: the description of a score and its reference.

    Args:
        name: under which the score is known.
        metric: its function, whose docstring has them.
    """
    description, _, sections = (inspect.getdoc(metric) or "").partition("\nArgs:\n")
    _, mark, reference = sections.partition("\nReference: ")
    parts = [name, description.strip(), f"What fools it: {CAVEATS[name]}"]
    if mark:
        parts.append(f"Reference: {' '.join(reference.split())}")
    return "\n\n".join(parts)
