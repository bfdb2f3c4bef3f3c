"""An experiment: everything that decides the numbers, as data."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from distaff.data import DATASETS
from distaff.errors import RunError, UsageError, first_line
from distaff.files import LARGEST, checked
from distaff.likelihoods import LIKELIHOODS
from distaff.metrics import METRICS
from distaff.models import MODELS
from distaff.nets import DECODERS, ENCODERS
from distaff.registry import kind_of, look_up
from distaff.training.settings import Training

KINDS: dict[str, Mapping[str, Any]] = {
    "data": DATASETS,
    "model": MODELS,
    "encoder": ENCODERS,
    "decoder": DECODERS,
    "likelihood": LIKELIHOODS,
}
"""Fields that hold the config of one of several kinds, and the kinds."""

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
    data: Any
    """The images, one of `distaff list data`."""
    model: Any
    """The model, one of `distaff list models`."""
    training: Training = field(default_factory=Training)
    """How it is trained."""
    metrics: tuple[str, ...] = ("mutual-information-gap",)
    """What is measured, of `distaff list metrics`."""
    figures: tuple[str, ...] = FIGURES_OF_A_RUN
    """What is drawn, of `distaff list figures`."""
    seeds: tuple[int, ...] = (0,)
    """One run is trained for each."""

    def __post_init__(self) -> None:
        """Refuses a name that is no folder, unknown metrics and an experiment without seeds."""
        if (
            Path(self.name).name != self.name
            or self.name in ("", "..")
            or not self.name.isprintable()
        ):
            raise UsageError(f"name is {self.name!r}; give one that a folder can have.")
        for metric in self.metrics:
            look_up(METRICS, metric, "metric")
        if not self.seeds or min(self.seeds) < 0 or max(self.seeds) > LARGEST:
            raise UsageError(f"seeds are {self.seeds}; give whole numbers from 0 to {LARGEST}.")

    @property
    def config_hash(self) -> str:
        """Eight hexadecimal digits that follow from what decides the trained parameters.

        A run is found by its hash, and a new field in some config must not hide the runs from
        before it. A field says in its metadata under "hashed" what it does to the hash: "never"
        counts one that changes how a training is gone about and not what a finished one has
        learnt; "if changed" leaves one out while it has its default, so that whoever adds a field
        later, with the old behaviour as its default, finds the old runs. Others always count.
        """
        deciding = {
            key: to_json(getattr(self, key), key, deciding=True)
            for key in ("data", "model", "training")
        }
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:8]


def to_json(value: Any, field: str = "", *, deciding: bool = False) -> Any:
    """Returns an experiment or a part of it as plain JSON; configs carry their kind.

    Args:
        value: an experiment, a config, or a plain value.
        field: name of the field that holds it.
        deciding: leave out what does not count in the hash.
    """
    if not is_dataclass(value):
        return list(value) if isinstance(value, tuple) else value
    kind = {"kind": kind_of(value, KINDS[field])} if field in KINDS else {}
    return kind | {
        f.name: to_json(getattr(value, f.name), f.name, deciding=deciding)
        for f in fields(value)
        if not deciding or _decides(f, getattr(value, f.name))
    }


def _decides(field: "Field[Any]", value: Any) -> bool:
    rule = field.metadata.get("hashed", "always")
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return bool(rule == "always" or (rule == "if changed" and value != default))


def experiment_from_json(content: Any, source: str = "this experiment") -> Experiment:
    """Returns the experiment that `to_json` wrote; `source` is what an error calls it.

    Raises:
        RunError: it has a kind, a field or a value that this version of distaff does not know.
    """
    try:
        experiment: Experiment = _from_json(content, Experiment, "experiment")
    except (TypeError, ValueError, OverflowError, UsageError) as error:
        raise RunError(
            f"{source} is not one that this version of distaff can read ("
            f"{first_line(error)}); was it made by another version?"
        ) from None
    return experiment


def _from_json(content: Any, config: Any, path: str) -> Any:
    """Builds a config from its JSON, of which every field is looked at.

    Args:
        content: a dictionary, or else it is refused.
        config: what to build.
        path: where it stands in the experiment, for the error.
    """
    if not isinstance(content, dict):
        raise ValueError(f"{path} is {content!r:.40} and not a group of settings")
    hints = get_type_hints(config)
    made = {}
    for name, value in content.items():
        place = f"{path}.{name}".removeprefix("experiment.")
        if name in hints:
            made[name] = _setting(value, name, hints[name], place)
        elif name != "kind":
            raise ValueError(f"unknown field {place:.80}")
    return config(**made)


def _setting(value: Any, name: str, hint: Any, place: str) -> Any:
    if name in KINDS and isinstance(value, dict):
        return _from_json(value, look_up(KINDS[name], str(value.get("kind")), name).Config, place)
    if name in KINDS or is_dataclass(hint):
        return _from_json(value, hint, place)
    given = tuple(value) if isinstance(value, list) else value
    try:
        return checked(given, hint)
    except ValueError:
        raise ValueError(f"{place} is {value!r:.40}") from None


def with_kind(experiment: Experiment, path: str, kind: str) -> Experiment:
    """Returns the experiment with another kind of data, model, net or likelihood.

    Settings that the new kind has too stay as they were.

    Args:
        experiment: to be changed.
        path: which part, for example `model` or `model.decoder`.
        kind: name of the new kind.

    Raises:
        UsageError: unknown kind.
    """
    field = path.rpartition(".")[2]
    cls = look_up(KINDS[field], kind, field)
    parents = path.split(".")[:-1]
    holder: Any = experiment
    for parent in parents:
        holder = getattr(holder, parent)
    old = getattr(holder, field)
    names = {f.name for f in fields(cls.Config)} & {f.name for f in fields(old)}
    changed = replace(holder, **{field: cls.Config(**{n: getattr(old, n) for n in names})})
    return changed if not parents else replace(experiment, **{parents[0]: changed})
