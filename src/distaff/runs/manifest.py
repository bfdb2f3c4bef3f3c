"""experiment.json: what a run is, enough to train it again."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from distaff.errors import RunError, first_line
from distaff.experiment import Experiment, experiment_from_json, to_json
from distaff.files import LARGEST, TRAIN_AGAIN, damaged, read_json, validated, write_json
from distaff.packages import Origin
from distaff.types import DataSpec

NAME = "experiment.json"
FORMAT = 1
"""Of the files of a run; files without a number are of the first. It goes up when what is written
can no longer be read by an older distaff."""


class OriginContent(TypedDict):
    """Where a thing that is not distaff's own comes from, as it stands in the file."""

    source: str
    version: str | None


class Manifest(NamedTuple):
    """What a run is."""

    experiment: Experiment
    seed: int
    spec: DataSpec
    data_digest: str | None = None
    """Of the data it is trained on, as in `digest_of`; None of a run from before there were any."""


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes experiment.json.

    Raises:
        RunError: as in `atomic_write`.
    """
    experiment, seed, spec, digest = manifest
    made_by = {"format": FORMAT, "distaff": version("distaff")}
    content = {"experiment": to_json(experiment), "seed": seed, "spec": list(spec)[:4]}
    content |= {"data_digest": digest}
    if spec.value_names:
        content["value_names"] = spec.value_names
    if experiment.origins:
        content["origins"] = {path: o._asdict() for path, o in experiment.origins.items()}
    write_json(folder / NAME, made_by | content)


def read_manifest(path: Path) -> Manifest:
    """Returns what an experiment.json says.

    Raises:
        RunError: it is missing, damaged, or of a newer version of distaff.
    """
    content = _content(path)
    experiment = _experiment(path, content)
    try:
        seed = validated(content.get("seed"), int)
        # runs made before the names of the factors were kept have a list of three
        shape, sizes, count, *names = validated(content.get("spec"), list[Any])
        spec = DataSpec(
            validated(tuple(shape), tuple[int, int, int]),
            validated(tuple(sizes), tuple[int, ...]),
            validated(count, int),
            *(validated(tuple(given), tuple[str, ...]) for given in names),
        )
        spec = spec._replace(value_names=_value_names(content, spec))
        digest = validated(content.get("data_digest"), str | None)
    except (TypeError, ValueError) as error:
        raise damaged(path, error, TRAIN_AGAIN) from None
    if not 0 <= seed <= LARGEST or min(*spec.image_shape, *spec.factor_sizes, spec.image_count) < 1:
        raise damaged(path, f"seed {seed}, {spec}", TRAIN_AGAIN)
    return Manifest(experiment, seed, spec, digest)


def _value_names(content: dict[str, Any], spec: DataSpec) -> tuple[tuple[str, ...], ...]:
    given = validated(content.get("value_names", []), list[list[str]])
    sizes = [len(names) for names in given]
    if given and (
        len(sizes) != len(spec.factor_sizes)
        or any(
            size not in (0, wanted) for size, wanted in zip(sizes, spec.factor_sizes, strict=True)
        )
    ):
        raise ValueError(f"value_names of {sizes} values for factors of {spec.factor_sizes}")
    return tuple(tuple(names) for names in given)


def read_experiment(path: Path) -> Experiment:
    """Returns the experiment of an experiment.json, which may be written by hand.

    Raises:
        RunError: as in `read_manifest`.
    """
    return _experiment(path, _content(path))


def _content(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = read_json(path, dict[str, Any], again=TRAIN_AGAIN)
    number = content.get("format", FORMAT)
    if not isinstance(number, int) or number < 1:
        raise damaged(path, f"format {number!r}", TRAIN_AGAIN)
    if number > FORMAT:
        raise RunError(
            f"{path} was made by distaff {first_line(content.get('distaff'))}, in format {number}; "
            f"this is distaff {version('distaff')}, which reads format {FORMAT}: upgrade it with "
            f"pip install --upgrade distaff."
        )
    return content


def _experiment(path: Path, content: dict[str, Any]) -> Experiment:
    if "experiment" not in content:
        raise damaged(path, "it holds no experiment", TRAIN_AGAIN)
    try:
        given = validated(content.get("origins", {}), dict[str, OriginContent])
    except ValueError as error:
        raise damaged(path, error, TRAIN_AGAIN) from None
    origins = {place: Origin(**origin) for place, origin in given.items()}
    return experiment_from_json(content["experiment"], f"the experiment in {path}", origins)
