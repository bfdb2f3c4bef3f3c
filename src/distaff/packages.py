"""What other packages offer by entry points, and what of it cannot be used."""

import warnings
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple

from distaff.errors import RunWarning, first_line


class Origin(NamedTuple):
    """Where a thing comes from that is not distaff's own."""

    source: str
    """Name of the package that offers it, or of the script that registered it."""
    version: str | None
    """Of the package; None for a script."""

    def __str__(self) -> str:
        """The package with its version, or the script."""
        return self.source if self.version is None else f"{self.source} {self.version}"

    @property
    def remedy(self) -> str:
        """What to do where the thing is missing."""
        if self.version is None:
            return f"it was registered by {self.source}; import that first"
        return f"it comes from the package {self}; install it with " + (
            f"pip install {self.source}=={self.version}"
        )


class Offers(NamedTuple):
    """What packages offer in a group, by name."""

    things: dict[str, tuple[Any, Origin]]
    broken: dict[str, str]
    """Names that cannot be used, each with the reason in a sentence."""


def read_offers(group: str, noun: str, accepts: Callable[[Any], bool] | None) -> Offers:
    """Imports what installed packages offer.

    Args:
        group: of the entry points, for example "distaff.models".
        noun: what the things are, for errors.
        accepts: which things of the group are meant; None for all.

    Returns:
        What can be used, and what cannot: a name whose package cannot be imported, or that two
        packages have.

    Warns:
        RunWarning: something cannot be used.
    """
    offers = Offers({}, {})
    for point in entry_points(group=group):
        try:
            thing = point.load()
        except Exception as error:  # whatever another package raises while it is imported
            reason = first_line(error) or type(error).__name__
            refuse(offers, noun, point.name, _origin(point), reason)
            continue
        if accepts is not None and not accepts(thing):
            continue
        if point.name in offers.things:
            sources = [offers.things.pop(point.name)[1], _origin(point)]
            refuse(
                offers, noun, point.name, sources[1], registered_twice(noun, point.name, *sources)
            )
        elif point.name not in offers.broken:
            offers.things[point.name] = (thing, _origin(point))
    return offers


def refuse(offers: Offers, noun: str, name: str, origin: Origin, reason: str) -> None:
    """Goes on without a thing of another package; warns, and keeps the reason."""
    words = f"the {noun} {name!r} of the package {origin.source} cannot be used: {reason}"
    offers.broken[name] = f"{words.rstrip('.')}."
    warnings.warn(offers.broken[name], RunWarning, stacklevel=2)


def registered_twice(noun: str, name: str, *origins: Origin | None) -> str:
    """Returns the error of a name that several have; an origin of None is distaff."""
    sources = " and by ".join(origin.source if origin else "distaff" for origin in origins)
    return f"the {noun} {name!r} is registered twice, by {sources}; rename one of them."


def _origin(point: EntryPoint) -> Origin:
    assert point.dist is not None  # as of all that `entry_points` finds
    return Origin(point.dist.name, point.dist.version)
