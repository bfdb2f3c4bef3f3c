"""The verbs that train: demo and train."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
)

from distaff.cli.data import fetch_for
from distaff.cli.output import print_json
from distaff.cli.parsing import parse
from distaff.cli.terminal import STDERR, show
from distaff.errors import UsageError

if TYPE_CHECKING:
    from distaff.experiment import Experiment
    from distaff.runs import Run

TYRO = (tyro.conf.AvoidSubcommands, tyro.conf.FlagCreatePairsOff)


def demo(*, runs: Path = Path("runs"), seed: int = 0, open: bool = False) -> None:
    """Train a model in a few minutes, measure it, draw it, and write a report.

    Position x, position y and scale of small sprites each find a latent of their own. Nothing is
    downloaded. A demo that was interrupted goes on where it stopped.

    Example: distaff demo --seed 1

    Args:
        runs: Folder that holds all runs.
        seed: Another seed gives another model.
        open: Open the report in the browser.
    """
    from distaff.cli.printing import print_scores
    from distaff.evaluate import evaluate
    from distaff.illustrate import illustrate
    from distaff.recipes import DEMO
    from distaff.report import report
    from distaff.runs import OpenRun

    (run,) = _train(replace(DEMO, seeds=(seed,)), runs, resume=True)
    opened = OpenRun(run)
    with STDERR.busy("measuring"):
        scores = evaluate(opened)
    with STDERR.busy("drawing"):
        illustrate(opened)
    print_scores(str(run.folder), scores)
    path = report(opened)
    show(f"report: {path}")
    if open:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())


def train(recipe: Annotated[str, tyro.conf.Positional]) -> None:
    """Train the model of a recipe, or of an experiment.json, one run for each seed.

    The recipe comes first; `distaff train RECIPE --help` shows its settings with their values, and
    `distaff list recipes` the recipes. A finished run is found again and not trained twice.

    Examples:
        distaff train mnist-vae --seeds 0 1 2 --training.epochs 5
        distaff train dsprites-beta-vae --model.beta 8 --name beta-8
        distaff train demo --model beta-vae --model.decoder dense
        distaff train demo --resume
        distaff train runs/demo/0123abcd/seed-0/experiment.json --seeds 7

    Args:
        recipe: Name of a recipe, or path of an experiment.json.
    """
    raise UsageError(f"give the recipe first: distaff train {recipe} ...")


def train_with_flags(recipe: str, flags: list[str]) -> None:
    """Parses the flags that the types of a recipe's own configs give rise to."""
    start = _change_kinds(_experiment_named(recipe), flags)
    start = _length_given(start, flags)
    with _metrics_as_words():
        call = parse(trainer(recipe, start), flags, prog=f"distaff train {recipe}", config=TYRO)
    call()


def trainer(recipe: str, start: "Experiment") -> Callable[..., None]:
    """Returns the verb that trains a recipe: its arguments are the settings of the experiment.

    Args:
        recipe: name of the recipe, or path of an experiment.json.
        start: the experiment whose settings are the defaults.
    """
    from distaff.experiment import Experiment

    def train(
        experiment: Annotated[Experiment, tyro.conf.arg(name="")] = start,
        runs: Path = Path("runs"),
        resume: bool = False,
        json: bool = False,
    ) -> None:
        data_path = None
        if resume and recipe.endswith(".json"):
            from distaff.data.reading.untrusted import moved

            # the run is the one that began with the old path; its data are read at the new one
            old, new = (getattr(each.data, "path", "") for each in (start, experiment))
            if old != new:
                data_path = Path(new)
                experiment = replace(experiment, data=moved(experiment.data, Path(old)))
        notes = _not_resumed(experiment, runs) if resume else {}
        trained = _train(experiment, runs, resume=resume, data_path=data_path, notes=notes)
        folders = [str(run.folder) for run in trained]
        if json:
            print_json(folders)
        else:
            for folder in folders:
                show(f"trained: {folder}")

    train.__doc__ = f"""Train {recipe}, one run for each seed.

    --data, --model, --model.encoder, --model.decoder and --model.likelihood followed by a name
    (see distaff list) change the kind; its settings are then shown and can be set. With an
    experiment.json and --resume, --data.path is where its data lie now, if they were moved.

    Args:
        experiment: What to train.
        runs: Folder that holds all runs.
        resume: Go on with runs that were interrupted.
        json: Print JSON.
    """
    return train


def _not_resumed(experiment: "Experiment", runs: Path) -> dict[Path, str]:
    """Returns a note on each run that `--resume` begins from nothing.

    It names a run with other settings that is interrupted, if there is one.
    """
    from distaff.runs import Run, run_folder

    folder = runs / experiment.name
    found = [Run(path.parent) for path in sorted(folder.glob("*/seed-*/experiment.json"))]
    others = {run.folder for run in found if run.interrupted}
    notes = {}
    for seed in experiment.seeds:
        run = Run(run_folder(runs, experiment, seed))
        if not run.finished and not run.interrupted:
            passed_by = sorted(others - {run.folder})
            hint = f"; {passed_by[0]} is interrupted, with other settings" if passed_by else ""
            notes[run.folder] = f"nothing to resume in {run.folder}; it begins at step 0{hint}."
    return notes


def _metrics_as_words() -> ConstructorRegistry:
    """Tells tyro how metrics with options are written: `dci.backend=lightgbm`."""
    from distaff.metrics.options import Metric, from_words, to_words

    registry = ConstructorRegistry()

    @registry.primitive_rule
    def of_metrics(type_info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        if type_info.type != tuple[Metric, ...]:
            return None
        return PrimitiveConstructorSpec(
            nargs="*",
            metavar="[METRIC|METRIC.OPTION=VALUE ...]",
            instance_from_str=from_words,
            is_instance=lambda value: isinstance(value, tuple),
            str_from_instance=to_words,
        )

    return registry


def _experiment_named(recipe: str) -> "Experiment":
    from distaff.recipes import RECIPES
    from distaff.runs.manifest import read_experiment

    path = Path(recipe)
    if path.suffix == ".json":
        return read_experiment(path)
    return RECIPES.look_up(recipe)


def _length_given(experiment: "Experiment", flags: list[str]) -> "Experiment":
    """Lets the length that the flags give win over the recipe's: steps or epochs.

    Raises:
        UsageError: both are given.
    """
    words = [word for flag in flags for word in flag.split("=", 1)]
    values = dict(zip(words, [*words[1:], ""], strict=False))
    if "--training.steps" not in values:
        return experiment
    if values.get("--training.epochs", "None") != "None":
        raise UsageError("--training.steps and --training.epochs both say how long; give one.")
    return replace(experiment, training=replace(experiment.training, epochs=None))


def _change_kinds(experiment: "Experiment", flags: list[str]) -> "Experiment":
    """Takes `--model.decoder dense` and the like out of the flags and changes the experiment."""
    from distaff.experiment import configs_in, with_kind

    done: set[str] = set()
    # a changed model has nets of its own: its paths are looked through again
    while paths := [path for path, _ in configs_in(experiment) if path not in done]:
        done.add(paths[0])
        kind = _taken(flags, f"--{paths[0]}")
        if kind is not None:
            experiment = with_kind(experiment, paths[0], kind)
    return experiment


def _taken(flags: list[str], name: str) -> str | None:
    """Takes a flag with its value out, whether a space or `=` stands between; None without one.

    Raises:
        UsageError: it is given twice, or without a value.
    """
    places = [place for place, flag in enumerate(flags) if flag.partition("=")[0] == name]
    if not places:
        return None
    if len(places) > 1:
        raise UsageError(f"{name} is given {len(places)} times; give it once.")
    _, equals, value = flags.pop(places[0]).partition("=")
    if not equals and places[0] == len(flags):
        raise UsageError(f"{name} needs a name; see distaff list.")
    return value if equals else flags.pop(places[0])


def _train(
    experiment: "Experiment",
    runs: Path,
    *,
    resume: bool,
    data_path: Path | None = None,
    notes: Mapping[Path, str] = MappingProxyType({}),
) -> "list[Run]":
    from distaff.cli.progress import TrainingProgress
    from distaff.train import train

    fetch_for([experiment], runs)
    with TrainingProgress(notes) as progress:
        return train(experiment, runs, resume=resume, progress=progress, data_path=data_path)
