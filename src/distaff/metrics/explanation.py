"""What a score asks, its formula and what fools it, in words for people."""

import inspect
import re
from collections.abc import Callable

from distaff.metrics.caveats import CAVEATS
from distaff.metrics.score import Score

SECTIONS = r"\n(?:Args|Options|Parts|No interval|All else|Returns|Raises|Reference)\b"
"""Where the description of a score ends and what concerns programs begins."""


def explanation(name: str, metric: Callable[..., Score]) -> str:
    """Returns the text of `distaff metrics explain`: the description of a score and its reference.

    Args:
        name: under which the score is known.
        metric: its function, whose docstring has them.
    """
    text = inspect.getdoc(metric) or ""
    description = re.split(SECTIONS, text)[0]
    parts = [name, description.strip()]
    if name in CAVEATS:
        parts.append(f"What fools it: {CAVEATS[name]}")
    _, mark, reference = text.partition("\nReference: ")
    if mark:
        parts.append(f"Reference: {' '.join(reference.split())}")
    return "\n\n".join(parts)
