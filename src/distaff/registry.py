"""Things by name: distaff's own, those of other packages, and those that a script registers.

Each room keeps one registry. Another package adds to it by an entry point:

    [project.entry-points."distaff.models"]
    my-vae = "my_package.my_vae:MyVAE"
"""

import difflib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, overload

from distaff.errors import RunWarning, UsageError, first_line

Thing = TypeVar("Thing")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of one class, nested in it under this name."""

    owner: ClassVar[type[Any]]
    """The class in which the config is nested; `build` of a room's config makes one."""
    registered_name: ClassVar[str] = ""
    """Of the owner; empty before it is registered."""
    registry: ClassVar["Registry[Any]"]
    """Where the owners of a room's configs are registered."""

    @property
    def kind(self) -> str:
        """Name under which the owner is registered.

        Raises:
            UsageError: it is not registered.
        """
        self.registry.load_entry_points()  # which may be what registers it
        if not self.registered_name:
            raise UsageError(
                f"{self.owner.__name__} is not registered, so that no run could name it; register "
                f"it first, or offer it by an entry point."
            )
        return self.registered_name


class Configured:
    """A class that is built from the `Config` nested in it."""

    Config: ClassVar[type[Config]]

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        if "Config" in cls.__dict__:
            cls.Config.owner = cls
            cls.Config.registered_name = ""


class Origin(NamedTuple):
    """Where a thing comes from that is not distaff's own."""

    source: str
    """Name of the package that offers it, or of the script that registered it."""
    version: str | None
    """Of the package; None for a script."""

    @property
    def remedy(self) -> str:
        """What to do where the thing is missing."""
        if self.version is None:
            return f"it was registered by {self.source}; import that first"
        return f"it comes from the package {self.source} {self.version}; install it with " + (
            f"pip install {self.source}=={self.version}"
        )


class Registry(Mapping[str, Thing], Generic[Thing]):
    """The things of a room by name, first distaff's own, then those of others.

    Entry points are read when the registry is first looked through. One that cannot be imported is
    warned of, and its error is raised when its name is asked for.
    """

    def __init__(
        self,
        group: str,
        noun: str,
        own: Mapping[str, Thing] | None = None,
        *,
        config: type[Config] | None = None,
        accepts: Callable[[Any], bool] = lambda _: True,
    ) -> None:
        """Registers what the room itself holds.

        Args:
            group: of the entry points, for example "distaff.models".
            noun: what the things are, for errors.
            own: distaff's own things by name.
            config: what the configs of these things derive from; None for things without.
            accepts: which entry points of the group belong here, where two registries share it.
        """
        self._group = group
        self._noun = noun
        self._config = config
        self.accepts = accepts
        self._things: dict[str, Thing] = {}
        self._origins: dict[str, Origin] = {}
        self._broken: dict[str, str] = {}
        self._complete = False
        if config is not None:
            config.registry = self
        for name, thing in (own or {}).items():
            self.add(name, thing)

    @overload
    def register(self, name: str) -> Callable[[Thing], Thing]: ...
    @overload
    def register(self, name: str, thing: Thing) -> Thing: ...
    def register(self, name: str, thing: Any = None) -> Any:
        """Registers a thing in this process; without a thing it is a decorator.

        Runs trained with it say which script it came from.

        Args:
            name: by which it is asked for; `_` and `-` are the same.
            thing: what belongs in this registry.

        Returns:
            The thing.

        Raises:
            UsageError: the name is taken, or the class has no `Config` of its own.
        """
        if thing is None:
            return lambda given: self.register(name, given)
        module = getattr(thing, "__module__", "__main__")
        file = getattr(sys.modules.get(module), "__file__", None)
        script = Path(file).name if module == "__main__" and file else module
        self.load_entry_points()
        return self.add(name, thing, Origin(script, None))

    def add(self, name: str, thing: Thing, origin: Origin | None = None) -> Thing:
        """Registers a thing; `origin` is None for distaff's own.

        Raises:
            UsageError: as in `register`.
        """
        name = _canonical(name)
        if name in self._things:
            owner = self._origins.get(name)
            raise UsageError(
                f"the {self._noun} {name!r} is registered twice, by "
                f"{owner.source if owner else 'distaff'} and by "
                f"{origin.source if origin else 'distaff'}; rename one of them."
            )
        if self._config is not None:
            self._claim_config(name, thing)
        self._things[name] = thing
        if origin is not None:
            self._origins[name] = origin
        return thing

    def look_up(self, name: str) -> Thing:
        """Returns the thing of this name; `_` and `-` are the same.

        Raises:
            UsageError: the name is unknown, and the nearest known one is offered; or its package
                cannot be imported.
        """
        self.load_entry_points()
        known = _canonical(name)
        if known in self._broken:
            raise UsageError(self._broken[known])
        return look_up(self._things, name, self._noun)

    def origin(self, name: str) -> Origin | None:
        """Returns where a thing comes from; None for distaff's own."""
        return self._origins.get(name)

    def __getitem__(self, name: str) -> Thing:
        self.load_entry_points()
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        self.load_entry_points()
        return iter(self._things)

    def __len__(self) -> int:
        self.load_entry_points()
        return len(self._things)

    def _claim_config(self, name: str, thing: Any) -> None:
        """Makes the config of a class know its name.

        Raises:
            UsageError: the class has none of its own, so that it would pass for its parent.
        """
        config = vars(thing).get("Config") if isinstance(thing, type) else None
        assert self._config is not None
        if not (isinstance(config, type) and issubclass(config, self._config)):
            base = self._config.__qualname__
            raise UsageError(
                f"{getattr(thing, '__name__', thing)!s} cannot be registered as the {self._noun} "
                f"{name!r}: it has no Config of its own; nest one in it, a dataclass that derives "
                f"from the Config of its parent class or from {base}."
            )
        config.owner, config.registered_name = thing, name

    def load_entry_points(self) -> None:
        """Registers what other packages offer, at the first call."""
        if self._complete:
            return
        self._complete = True
        for point in entry_points(group=self._group):
            self._load(point)

    def _load(self, point: EntryPoint) -> None:
        package, version = (
            (point.dist.name, point.dist.version) if point.dist else ("another package", "")
        )
        try:
            thing = point.load()
            if self.accepts(thing):
                self.add(point.name, thing, Origin(package, version))
        except Exception as error:  # whatever another package raises while it is imported
            words = (
                f"the {self._noun} {point.name!r} of the package {package} cannot be used: "
                f"{first_line(error)}"
            )
            self._broken[_canonical(point.name)] = words
            warnings.warn(words, RunWarning, stacklevel=2)


def look_up(things: Mapping[str, Thing], name: str, noun: str) -> Thing:
    """Returns the thing of this name.

    Args:
        things: by name.
        name: asked for; `_` and `-` are the same.
        noun: what the things are, for the error ("model", "metric").

    Raises:
        UsageError: the name is unknown; the nearest known one is offered.
    """
    wanted = _canonical(name)
    for spelling in (name, wanted):
        if spelling in things:
            return things[spelling]
    near = difflib.get_close_matches(wanted, things, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(things))}."
    raise UsageError(f"unknown {noun} {name!r}: {hint}")


def check_kind(value: object, config: type[Config], field: str) -> None:
    """Refuses settings that stand in the wrong place.

    Raises:
        UsageError: `value` is no config of the room that `config` belongs to.
    """
    if not isinstance(value, config):
        given = type(value).__qualname__
        noun = config.registry._noun
        article = "an" if noun[0] in "aeiou" else "a"
        examples = ", ".join(list(config.registry)[:3])
        raise UsageError(
            f"{field} is {given}; give the Config of {article} {noun}, one of {examples} or "
            f"another of `distaff list`."
        )


def _canonical(name: str) -> str:
    return name.replace("_", "-").lower()
