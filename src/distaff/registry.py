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
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar, overload

from distaff.errors import RunWarning, UsageError, first_line
from distaff.packages import Origin, read_offers, refuse, registered_twice

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
        if not self.registered_name:
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
        config = vars(cls).get("Config")
        # a Config that is another class's stays that one's, whoever gives it a second name
        if config is not None and "owner" not in vars(config):
            config.owner, config.registered_name = cls, ""


class Registry(Mapping[str, Thing], Generic[Thing]):
    """The things of a room by name, first distaff's own, then those of others.

    Entry points are read when the registry is first looked through, or asked for a name that it
    does not have. One that cannot be used is warned of, and the reason is raised when its name is
    asked for. A package cannot take a name that distaff or the running script has.
    """

    def __init__(
        self,
        group: str,
        noun: str,
        own: Mapping[str, Thing] | None = None,
        *,
        config: type[Config] | None = None,
        accepts: Callable[[Any], bool] = lambda _: True,
        shares_group: bool = False,
        aliases: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Registers what the room itself holds.

        Args:
            group: of the entry points, for example "distaff.models".
            noun: what the things are, for errors.
            own: distaff's own things by name.
            config: what the configs of these things derive from; None for things without.
            accepts: whether a thing is one of these.
            shares_group: whether another registry has the same group, and what is not accepted
                here belongs there.
            aliases: other names of things, as people call them.
        """
        self._aliases = aliases
        self._group = group
        self.noun = noun
        self._config = config
        self._accepts = accepts
        self._shares_group = shares_group
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
            UsageError: the name is taken, the thing does not belong in this registry, or the class
                has no `Config` of its own or another name already.
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
        taken = self._spelling(name)
        if taken in self._origins and origin is None:
            # distaff's own comes first, also where packages were looked through before it was there
            theirs = self._origins.pop(taken)
            del self._things[taken]
            why = registered_twice(self.noun, name, None, theirs)
            warnings.warn(why, RunWarning, stacklevel=2)
        elif taken is not None:
            raise UsageError(registered_twice(self.noun, taken, self._origins.get(taken), origin))
        if not self._accepts(thing):
            raise UsageError(f"{name!r} is to be a {self.noun}, and is {thing!r:.80}.")
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
        known = self._found(name)
        if known is not None:
            return self._things[known]
        if self.is_broken(name):
            raise UsageError(self._broken[_canonical(name)])
        raise _unknown(self._things, name, self.noun)

    def is_broken(self, name: str) -> bool:
        """Returns whether a package offers this name and cannot be used; `look_up` says why."""
        return self._found(name) is None and _canonical(name) in self._broken

    def registered_name(self, name: str) -> str:
        """Returns the name under which a thing is registered; an unknown one as it is."""
        return self._found(name) or name

    def origin(self, name: str) -> Origin | None:
        """Returns where a thing comes from; None for distaff's own."""
        known = self._found(name)
        return None if known is None else self._origins.get(known)

    def __getitem__(self, name: str) -> Thing:
        known = self._found(name)
        if known is None:
            raise KeyError(name)
        return self._things[known]

    def __iter__(self) -> Iterator[str]:
        self.load_entry_points()
        return iter(self._things)

    def __len__(self) -> int:
        self.load_entry_points()
        return len(self._things)

    def _spelling(self, name: str) -> str | None:
        """Returns a name as it is registered so far; `_`, `-` and capitals make no difference."""
        given = self._aliases.get(_canonical(name), name)
        spellings = {_canonical(known).replace("-", ""): known for known in self._things}
        return spellings.get(_canonical(given).replace("-", ""))

    def _found(self, name: str) -> str | None:
        """Returns a name as it is registered, by a package if need be; None for an unknown one."""
        known = self._spelling(name)
        if known is None and not self._complete:
            self.load_entry_points()
            known = self._spelling(name)
        return known

    def _claim_config(self, name: str, thing: Any) -> None:
        """Makes the config of a class know its name.

        Raises:
            UsageError: the class has none of its own, so that it would pass for another class; or
                it has a name already, under which its runs are found.
        """
        config = vars(thing).get("Config") if isinstance(thing, type) else None
        assert self._config is not None
        if not (isinstance(config, type) and issubclass(config, self._config)):
            why = "it has no Config of its own"
        elif vars(config).get("owner", thing) is not thing:
            why = f"its Config is that of {config.owner.__name__}"
        elif "__dataclass_fields__" not in vars(config):
            why = "its Config is no dataclass, so that it adds no setting"
        elif config.registered_name:
            raise UsageError(
                f"{thing.__name__} cannot be registered as the {self.noun} {name!r}: it is the "
                f"{self.noun} {config.registered_name!r} already, and its runs are found by that."
            )
        else:
            config.owner, config.registered_name = thing, name
            return
        raise UsageError(
            f"{getattr(thing, '__name__', thing)!s} cannot be registered as the {self.noun} "
            f"{name!r}: {why}; nest one in it, with @dataclass(frozen=True, kw_only=True), that "
            f"derives from the Config of its parent class or from {self._config.__qualname__}."
        )

    def load_entry_points(self) -> None:
        """Registers what other packages offer, at the first call."""
        if self._complete:
            return
        self._complete = True
        wanted = self._accepts if self._shares_group else None
        offers = read_offers(self._group, self.noun, wanted)
        for name, (thing, origin) in offers.things.items():
            try:
                self.add(name, thing, origin)
            except UsageError as error:
                refuse(offers, self.noun, name, origin, first_line(error))
        self._broken = {_canonical(name): reason for name, reason in offers.broken.items()}


def look_up(things: Mapping[str, Thing], name: str, noun: str) -> Thing:
    """Returns the thing of this name.

    Args:
        things: by name.
        name: asked for; `_` and `-` are the same.
        noun: what the things are, for the error ("model", "metric").

    Raises:
        UsageError: the name is unknown; the nearest known one is offered.
    """
    for spelling in (name, _canonical(name)):
        if spelling in things:
            return things[spelling]
    raise _unknown(things, name, noun)


def _unknown(things: Mapping[str, Any], name: str, noun: str) -> UsageError:
    """Returns the error of an unknown name, with the nearest known one."""
    wanted = _canonical(name)
    near = difflib.get_close_matches(wanted, things, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(things))}."
    return UsageError(f"unknown {noun} {name!r}: {hint}")


def check_kind(value: object, config: type[Config], field: str) -> None:
    """Refuses settings that stand in the wrong place.

    Raises:
        UsageError: `value` is no config of the room that `config` belongs to.
    """
    if not isinstance(value, config):
        given = type(value).__qualname__
        noun = config.registry.noun
        article = "an" if noun[0] in "aeiou" else "a"
        examples = ", ".join(list(config.registry)[:3])
        raise UsageError(
            f"{field} is {given}; give the Config of {article} {noun}, one of {examples} or "
            f"another of `distaff list`."
        )


def _canonical(name: str) -> str:
    return name.replace("_", "-").lower()
