"""Scores to be measured, with their options: `dci`, or `("dci", {"backend": "lightgbm"})`.

On the command line an option is written `dci.backend=lightgbm`.
"""

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, get_type_hints

from distaff.errors import UsageError
from distaff.files import validated
from distaff.metrics import METRICS

Metric: TypeAlias = str | tuple[str, dict[str, Any]]
"""Name of a score, alone or with its options."""
GIVEN = ("codes", "factors", "factor_names", "factor_kinds", "active", "seed", "held_out", "kl")
"""Arguments of scores that are no options: whoever measures gives them."""


def with_options(metrics: Sequence[Metric]) -> dict[str, dict[str, Any]]:
    """Returns the options of each score by its name, in the order given.

    Raises:
        UsageError: an unknown score or option, or a value that an option does not take.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for metric in metrics:
        name, options = (metric, {}) if isinstance(metric, str) else metric
        name = METRICS.registered_name(name)
        chosen.setdefault(name, {}).update(options)
    for name, options in chosen.items():
        if name != "all":
            _check(name, options)
    return chosen


def from_words(words: Sequence[str]) -> tuple[Metric, ...]:
    """Returns the scores that words of a command line name, each once.

    Args:
        words: `name`, or `name.option=value`, whose value is JSON or a plain word.

    Raises:
        UsageError: as in `with_options`; or a word of another form.
    """
    metrics: list[Metric] = []
    for word in words:
        path, equals, value = word.partition("=")
        name, dot, option = path.partition(".")
        if bool(equals) != bool(dot) or not name or (dot and not option):
            raise UsageError(
                f"{word!r} is neither the name of a metric nor an option of one; write for "
                f"example dci or dci.backend=lightgbm."
            )
        metrics.append((name, {option: _value(value)}) if dot else name)
    return tuple(
        (name, options) if options else name for name, options in with_options(metrics).items()
    )


def to_words(metrics: Sequence[Metric]) -> list[str]:
    """Returns the words that `from_words` reads."""
    words = []
    for name, options in with_options(metrics).items():
        words += [f"{name}.{key}={json.dumps(value)}" for key, value in options.items()] or [name]
    return words


def _value(text: str) -> Any:
    try:
        return _as_tuples(json.loads(text))
    except ValueError:
        return text


def _as_tuples(value: Any) -> Any:
    """JSON has no tuples, and scores that take some take no lists."""
    if isinstance(value, list):
        return tuple(map(_as_tuples, value))
    if isinstance(value, dict):
        return {key: _as_tuples(item) for key, item in value.items()}
    return value


def _check(name: str, options: Mapping[str, Any]) -> None:
    metric = METRICS.look_up(name)
    known = [option for option in inspect.signature(metric).parameters if option not in GIVEN]
    hints = get_type_hints(metric) if options else {}
    for option, value in options.items():
        if option not in known:
            raise UsageError(f"{name} has no option {option!r}; it has {', '.join(known)}.")
        try:
            validated(_as_tuples(value), hints[option])
        except ValueError as error:
            raise UsageError(f"{name}.{option} is {value!r:.60}: {error}.") from None
