"""An experiment: everything that decides the numbers, as data."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from distaff.data import DATASETS
from distaff.errors import RunError, UsageError
from distaff.fit import Training
from distaff.likelihoods import LIKELIHOODS
from distaff.metrics import METRICS
from distaff.models import MODELS
from distaff.nets import DECODERS, ENCODERS
from distaff.registry import kind_of, look_up

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
        """Refuses unknown metrics and an experiment without seeds."""
        for metric in self.metrics:
            look_up(METRICS, metric, "metric")
        if not self.seeds or min(self.seeds) < 0:
            raise UsageError(f"seeds are {self.seeds}; give whole numbers from 0 on.")

    @property
    def config_hash(self) -> str:
        """Eight hexadecimal digits that follow from what decides the trained parameters."""
        deciding = {key: to_json(getattr(self, key), key) for key in ("data", "model", "training")}
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:8]


def to_json(value: Any, field: str = "") -> Any:
    """Returns an experiment or a part of it as plain JSON; configs carry their kind.

    Args:
        value: an experiment, a config, or a plain value.
        field: name of the field that holds it.
    """
    if not is_dataclass(value):
        return list(value) if isinstance(value, tuple) else value
    kind = {"kind": kind_of(value, KINDS[field])} if field in KINDS else {}
    return kind | {f.name: to_json(getattr(value, f.name), f.name) for f in fields(value)}


def experiment_from_json(content: Any) -> Experiment:
    """Returns the experiment that `to_json` wrote.

    Raises:
        RunError: it has a kind or a field that this version of distaff does not know.
    """
    try:
        made = {key: _from_json(value, key) for key, value in content.items()}
        return Experiment(**made | {"training": Training(**made["training"])})
    except (TypeError, ValueError, KeyError, AttributeError, UsageError) as error:
        raise RunError(
            f"this experiment is not one that this version of distaff can read ({error}); "
            f"was it made by another version?"
        ) from None


def _from_json(value: Any, field: str) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, dict):
        return value
    settings = {key: _from_json(inner, key) for key, inner in value.items() if key != "kind"}
    if field in KINDS:
        return look_up(KINDS[field], value["kind"], field).Config(**settings)
    return settings


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
