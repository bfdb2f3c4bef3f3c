"""Names for things: each folder of nouns keeps one explicit dictionary of what it offers."""

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from distaff.errors import UsageError

Thing = TypeVar("Thing")


def look_up(registry: Mapping[str, Thing], name: str, noun: str) -> Thing:
    """Returns what `registry` holds under `name`.

    Args:
        registry: names and what they stand for.
        name: the name asked for; `_` and `-` are the same.
        noun: what the registry holds, for the error ("model", "metric").

    Raises:
        UsageError: the name is unknown; the nearest known one is offered.
    """
    wanted = name.replace("_", "-").lower()
    for spelling in (name, wanted):
        if spelling in registry:
            return registry[spelling]
    near = difflib.get_close_matches(wanted, registry, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(registry))}."
    raise UsageError(f"unknown {noun} {name!r}: {hint}")


def kind_of(config: object, registry: Mapping[str, Any]) -> str:
    """Returns the name under which the class that `config` configures stands in `registry`."""
    return next(name for name, cls in registry.items() if cls.Config is type(config))
