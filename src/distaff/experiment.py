"""An experiment: everything that decides the numbers, as data."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from distaff.data import DatasetConfig
from distaff.errors import RunError, UsageError, first_line
from distaff.files import LARGEST, validated
from distaff.metrics import METRICS
from distaff.metrics.options import Metric, with_options
from distaff.models import ModelConfig
from distaff.packages import Origin
from distaff.registry import Config, Registry, check_kind
from distaff.training.settings import Training

MOST_VALUES = 256
"""In one setting, for example layers of a net."""
FIGURES_OF_A_RUN = (
    "traversals",
    "reconstructions",
    "interpolations",
    "samples",
    "relation-matrix",
    "training-curves",
)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A data set, a model, a training, what is measured and drawn, and the seeds."""

    name: str
    """Folder under which the runs are kept; the recipe's name."""
    data: DatasetConfig
    """The images, one of `distaff list data`."""
    model: ModelConfig
    """The model, one of `distaff list models`."""
    training: Training = field(default_factory=Training)
    """How it is trained."""
    metrics: tuple[Metric, ...] = ("mutual-information-gap",)
    """What is measured, of `distaff list metrics`; with options as name.option=value."""
    figures: tuple[str, ...] = FIGURES_OF_A_RUN
    """What is drawn, of `distaff list figures`."""
    seeds: tuple[int, ...] = (0,)
    """One run is trained for each."""

    def __post_init__(self) -> None:
        """Refuses wrong kinds, a name that is no folder, unknown metrics, and no seeds.

        Also numbers that no file of a run could hold: whatever sets them, this is where they pass.
        """
        _check_kinds(self)
        for name in ("data", "model", "training"):
            _check_values(getattr(self, name), name)
        if (
            Path(self.name).name != self.name
            or self.name in ("", "..")
            or not self.name.isprintable()
        ):
            raise UsageError(f"name is {self.name!r}; give one that a folder can have.")
        with_options(self.metrics)
        if not self.seeds or min(self.seeds) < 0 or max(self.seeds) > LARGEST:
            raise UsageError(f"seeds are {self.seeds}; give whole numbers from 0 to {LARGEST}.")

    @property
    def config_hash(self) -> str:
        """Eight hexadecimal digits of everything that decides the trained parameters.

        A run is found by its hash, so a new field must not hide older runs. A field's metadata
        says under "hashed" how it enters: "never" excludes it, for fields that change how a
        training proceeds but not what it learns; "if changed" leaves it out while it has its
        default, so that a field added later, whose default is the old behaviour, keeps old runs
        findable. All others are always part of it.
        """
        deciding = {
            key: to_json(getattr(self, key), deciding=True) for key in ("data", "model", "training")
        }
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:8]

    @property
    def origins(self) -> dict[str, Origin]:
        """Where those of its things come from that are not distaff's own, by path."""
        found = {path: config.registry.origin(config.kind) for path, config in configs_in(self)}
        found |= {f"metrics.{name}": METRICS.origin(name) for name in with_options(self.metrics)}
        return {path: origin for path, origin in found.items() if origin is not None}


def configs_in(holder: Any, prefix: str = "") -> Iterator[tuple[str, Config]]:
    """Yields the configs of an experiment with their paths: data, model, model.encoder, ..."""
    for field_ in fields(holder):
        value = getattr(holder, field_.name)
        if isinstance(value, Config):
            path = prefix + field_.name
            yield path, value
            yield from configs_in(value, f"{path}.")


def _check_kinds(holder: Any, prefix: str = "") -> None:
    """Refuses a config in the wrong place, also where a config's own checks leave that out.

    Raises:
        UsageError: for example the config of a decoder in the place of an encoder's.
    """
    hints = get_type_hints(type(holder))
    for name in (field_.name for field_ in fields(holder)):
        if isinstance(hints[name], type) and issubclass(hints[name], Config):
            check_kind(getattr(holder, name), hints[name], prefix + name)
            _check_kinds(getattr(holder, name), f"{prefix}{name}.")


def _check_values(value: Any, path: str) -> None:
    """Refuses numbers that JSON or a tensor cannot hold, and lists beyond any use.

    Raises:
        UsageError: which setting, and what it may be.
    """
    if is_dataclass(value):
        for name in (field_.name for field_ in fields(value)):
            _check_values(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{path} is {value}; give a finite number.")
    elif isinstance(value, int) and abs(value) > LARGEST:
        digits = len(str(abs(value)))
        raise UsageError(
            f"{path} is a number of {digits} digits; give a whole number up to {LARGEST}."
        )
    elif isinstance(value, tuple):
        if len(value) > MOST_VALUES:
            raise UsageError(f"{path} has {len(value):,} values; give at most {MOST_VALUES}.")
        for item in value:
            _check_values(item, path)


def to_json(value: Any, *, deciding: bool = False) -> Any:
    """Returns an experiment or a part of it as plain JSON; configs carry their kind.

    Args:
        value: an experiment, a config, or a plain value.
        deciding: leave out what is not part of the hash.
    """
    if not is_dataclass(value):
        return list(value) if isinstance(value, tuple) else value
    kind = {"kind": value.kind} if isinstance(value, Config) else {}
    return kind | {
        f.name: to_json(getattr(value, f.name), deciding=deciding)
        for f in fields(value)
        if not deciding or _decides(f, getattr(value, f.name))
    }


def _decides(field: "Field[Any]", value: Any) -> bool:
    rule = field.metadata.get("hashed", "always")
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return bool(rule == "always" or (rule == "if changed" and value != default))


def experiment_from_json(
    content: Any, source: str = "this experiment", origins: Mapping[str, Origin] | None = None
) -> Experiment:
    """Returns the experiment that `to_json` wrote.

    Args:
        content: the JSON.
        source: what an error calls it.
        origins: where those of its things come from that are not distaff's own, by path.

    Raises:
        RunError: it has a kind, a field or a value that this version of distaff does not know.
    """
    try:
        for place, origin in (origins or {}).items():
            if place.startswith("metrics."):
                _check_origin(METRICS, place.removeprefix("metrics."), origin)
        experiment: Experiment = _from_json(content, Experiment, "", origins or {})
    except _Missing as error:
        raise RunError(f"{source} needs {error}.") from None
    except (TypeError, ValueError, OverflowError, UsageError) as error:
        raise RunError(
            f"{source} is not one that this version of distaff can read ("
            f"{first_line(error)}); was it made by another version?"
        ) from None
    return experiment


class _Missing(Exception):  # noqa: N818 - what is missing, not what went wrong
    """A thing of another package or script that is not there."""


def _from_json(content: Any, cls: Any, path: str, origins: Mapping[str, Origin]) -> Any:
    """Builds an experiment or a config from its JSON; every field is checked.

    Args:
        content: a dictionary, or else it is refused.
        cls: what to build.
        path: where it stands in the experiment, for the error.
        origins: as in `experiment_from_json`.
    """
    if not isinstance(content, dict):
        raise ValueError(f"{path or 'experiment'} is {content!r:.40} and not a group of settings")
    hints = {f.name: get_type_hints(cls)[f.name] for f in fields(cls)}
    made = {}
    for name, value in content.items():
        place = f"{path}.{name}".lstrip(".")
        if name in hints:
            made[name] = _setting(value, hints[name], place, origins)
        elif name != "kind":
            raise ValueError(f"unknown field {place:.80}")
    return cls(**made)


def _setting(value: Any, hint: Any, place: str, origins: Mapping[str, Origin]) -> Any:
    if isinstance(hint, type) and issubclass(hint, Config):
        if not isinstance(value, dict):
            raise ValueError(f"{place} is {value!r:.40} and not a group of settings")
        kind = str(value.get("kind"))
        if place in origins:
            _check_origin(hint.registry, kind, origins[place])
        return _from_json(value, hint.registry.look_up(kind).Config, place, origins)
    if is_dataclass(hint):
        return _from_json(value, hint, place, origins)
    given = tuple(map(_as_tuple, value)) if isinstance(value, list) else value
    try:
        return validated(given, hint)
    except ValueError:
        raise ValueError(f"{place} is {value!r:.40}") from None


def _check_origin(registry: Registry[Any], name: str, origin: Origin) -> None:
    """Refuses a thing that is not there, or of which another package has the name now.

    Raises:
        _Missing: what is missing, and what to do.
        UsageError: its package is there, and cannot be used.
    """
    if name not in registry:
        if registry.is_broken(name):
            registry.look_up(name)
        raise _Missing(f"the {registry.noun} {name!r}; {origin.remedy}")
    now = registry.origin(name)
    if now is None or (origin.version is not None and now.source != origin.source):
        raise _Missing(
            f"the {registry.noun} {name!r} of {origin.source}, and here that name is of "
            f"{now.source if now else 'distaff'}; use an environment that has {origin.source} only"
        )


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def with_kind(experiment: Experiment, path: str, kind: str) -> Experiment:
    """Returns the experiment with another kind of data, model, net or likelihood.

    Settings that the new kind has too stay as they were.

    Args:
        experiment: to be changed.
        path: of the config, for example `model` or `model.decoder`.
        kind: name of the new kind.

    Raises:
        UsageError: unknown kind.
    """
    *parents, field = path.split(".")
    holder: Any = getattr(experiment, parents[0]) if parents else experiment
    old: Config = getattr(holder, field)
    cls = old.registry.look_up(kind)
    names = {f.name for f in fields(cls.Config)} & {f.name for f in fields(old)}
    changed = replace(holder, **{field: cls.Config(**{n: getattr(old, n) for n in names})})
    return changed if not parents else replace(experiment, **{parents[0]: changed})
