"""The command line: each verb is one call of the library."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from distaff.errors import DistaffError, UsageError
from distaff.registry import look_up

if TYPE_CHECKING:
    from distaff.experiment import Experiment
    from distaff.runs import Run

Folder = Annotated[Path, tyro.conf.Positional]
Noun = Literal[
    "models", "data", "nets", "likelihoods", "metrics", "figures", "recipes", "studies", "runs"
]
TYRO = (tyro.conf.AvoidSubcommands, tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes)
DESCRIPTION = """Trains, measures, compares and shows disentangled generative models of images.

`distaff demo` is the place to start; `distaff COMMAND --help` explains each command."""
KIND_FLAGS = ("data", "model", "model.encoder", "model.decoder", "model.likelihood")


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
    from dataclasses import replace

    from distaff.evaluate import evaluate
    from distaff.illustrate import illustrate
    from distaff.recipes import DEMO
    from distaff.report import report
    from distaff.terminal import STDERR, print_scores

    (run,) = _train(replace(DEMO, seeds=(seed,)), runs, resume=True)
    with STDERR.status("measuring"):
        scores = evaluate(run)
    with STDERR.status("drawing"):
        illustrate(run)
    print_scores(str(run.folder), scores)
    path = report(run)
    print(f"report: {path}")
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


def evaluate(
    run: Annotated[Path | None, tyro.conf.Positional] = None,
    *,
    codes: Path | None = None,
    factors: Path | None = None,
    out: Path | None = None,
    metrics: tuple[str, ...] = (),
    images: int = 10_000,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Measure a run, all runs in a folder, or anybody's codes.

    Scores that intervene encode the whole data set where it is a grid of factors, once a run.

    Examples:
        distaff evaluate runs/demo
        distaff evaluate runs/demo --metrics all --json
        distaff evaluate --codes codes.npy --factors factors.csv --metrics dci sap --out my-codes

    Args:
        run: Folder of a run, or one that holds runs.
        codes: Instead of a run: a table of codes, a row for each image (npy, npz, csv, parquet).
        factors: The factors of these images, as whole numbers; a csv may name them.
        out: Folder for scores.json and report.html of codes; a run has its own.
        metrics: What to measure, or all; by default the metrics of the recipe, for codes the
            mutual information gap.
        images: How many test images of a run are encoded.
        seed: Of the choice of images and of the metrics.
        json: Print JSON.
    """
    from distaff.evaluate import evaluate
    from distaff.terminal import EncodingProgress, print_scores

    if (run is None) == (codes is None) or (codes is None) != (factors is None):
        raise UsageError("give the folder of a run, or both --codes and --factors.")
    if codes and factors:
        _evaluate_tables(codes, factors, out, metrics or ("mutual-information-gap",), seed, json)
        return
    assert run  # the check above leaves a run
    if out:
        raise UsageError(f"--out {out} is for --codes; the scores of a run are kept in its folder.")
    found = _finished_runs(run)
    for each in found:
        with EncodingProgress() as progress:
            progress.start(f"measuring {each.folder}")
            scores = evaluate(each, metrics, images=images, seed=seed, on_images=progress.advance)
        if not json:
            print_scores(str(each.folder), scores)
    if json:
        _print_json({str(each.folder): each.read("scores.json") for each in found})


def illustrate(run: Folder, *, figures: tuple[str, ...] = (), json: bool = False) -> None:
    """Draw the figures of a run, or of all runs in a folder, as PNG and PDF.

    Examples:
        distaff illustrate runs/demo
        distaff illustrate runs/dsprites-beta-vae --figures q1_a q1_b

    Args:
        run: Folder of a run, or one that holds runs.
        figures: What to draw; by default the figures of the recipe.
        json: Print JSON.
    """
    from distaff.illustrate import illustrate
    from distaff.terminal import STDERR

    paths = []
    for each in _finished_runs(run):
        with STDERR.status(f"drawing {each.folder}"):
            paths += [str(path) for path in illustrate(each, figures)]
    if json:
        _print_json(paths)
    else:
        print("\n".join(paths))


def compare(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    *,
    udr: bool = False,
    json: bool = False,
) -> None:
    """Compare experiments: mean, interval and range of each score over the seeds.

    Where at least three runs have the same metrics, their rank correlations are shown too.

    Examples:
        distaff compare runs/demo runs/dsprites-beta-vae
        distaff compare runs/dsprites-beta-vae --udr

    Args:
        runs: Folders that hold runs.
        udr: First measure whether the seeds of each experiment found the same latents, and keep the
            score of each run beside its others.
        json: Print JSON.
    """
    from distaff.agree import agree
    from distaff.compare import compare, rank_correlations
    from distaff.runs import find_runs
    from distaff.terminal import STDERR, print_comparison

    if not runs:
        raise UsageError("no folder given; for example distaff compare runs/demo")
    found = [run for folder in runs for run in find_runs(folder)]
    if udr:
        with STDERR.status("measuring udr"):
            agree(found)
    rows, ranks = compare(found), rank_correlations(found)
    if json:
        content = {"rows": [row._asdict() for row in rows]}
        _print_json(content | {"rank_correlations": [rank._asdict() for rank in ranks]})
    else:
        print_comparison(rows, ranks)


def report(run: Folder, *, json: bool = False) -> None:
    """Write a page that stands alone: scores, figures, settings, how to reproduce the run.

    What was not measured or drawn yet is measured and drawn first.

    Example: distaff report runs/demo

    Args:
        run: Folder of a run, or one that holds runs.
        json: Print JSON.
    """
    from distaff.evaluate import evaluate
    from distaff.illustrate import illustrate
    from distaff.report import report
    from distaff.terminal import EncodingProgress

    paths = []
    for each in _finished_runs(run):
        with EncodingProgress() as progress:
            progress.start(f"writing the report of {each.folder}")
            if not each.scores:
                evaluate(each, on_images=progress.advance)
            if not each.figures_folder.is_dir():
                illustrate(each)
            paths.append(str(report(each)))
    if json:
        _print_json(paths)
    else:
        print("\n".join(f"report: {path}" for path in paths))


def audit(
    *,
    out: Path = Path("audit"),
    metrics: tuple[str, ...] = (),
    rows: int = 2000,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Run every metric on codes whose quality is known, and draw which can be believed.

    Perfect, permuted, rescaled, rotated, noisy, duplicated, dead and other codes, in the default
    mode and in that of the published library; some minutes for all metrics.

    Examples:
        distaff audit
        distaff audit --metrics dci sap --out my-audit

    Args:
        out: Folder for metric-audit.png, metric-audit.pdf and metric-audit.json.
        metrics: Which metrics; by default all.
        rows: Images in each synthetic code.
        seed: Of factors, noise and metrics.
        json: Print the entries as JSON.
    """
    from distaff.audit import audit, audit_figure
    from distaff.figures.house_style import house_style
    from distaff.files import writing
    from distaff.terminal import STDERR

    if rows < 300:
        raise UsageError(f"rows is {rows}; it must be at least 300.")
    with STDERR.status("auditing") as status:
        entries = audit(
            rows=rows,
            metrics=metrics or None,
            seed=seed,
            on_result=lambda entry: status.update(f"{entry.mode}: {entry.code}, {entry.metric}"),
        )
    content = [entry._asdict() for entry in entries]
    with writing(out / "metric-audit.json") as temporary:
        temporary.write_text(_as_json(content))
    figure = audit_figure(entries)
    for suffix in (".png", ".pdf"):
        with writing(out / f"metric-audit{suffix}") as temporary, house_style():
            figure.savefig(temporary)
    if json:
        _print_json(content)
    else:
        print(f"audit: {out / 'metric-audit.png'}")


def list_(
    what: Annotated[Noun | None, tyro.conf.Positional] = None,
    *,
    runs: Path = Path("runs"),
    json: bool = False,
) -> None:
    """List what there is: models, data sets, nets, likelihoods, metrics, figures, recipes, studies.

    Examples:
        distaff list
        distaff list runs --runs runs --json

    Args:
        what: What to list; everything but runs where it is not given.
        runs: Folder that holds all runs.
        json: Print JSON.
    """
    from distaff.catalogue import CATALOGUE, list_runs
    from distaff.terminal import print_list

    if what == "runs":
        listed = {"runs": list_runs(runs)}
    else:
        listed = {noun: lines() for noun, lines in CATALOGUE.items() if what in (None, noun)}
    if json:
        _print_json({noun: dict(lines) for noun, lines in listed.items()})
    else:
        for noun, lines in listed.items():
            print_list(noun, lines)


def study(
    name: Annotated[str, tyro.conf.Positional],
    *,
    budget: Literal["smoke", "quick", "full"] = "quick",
    runs: Path = Path("runs"),
    plan: bool = False,
    json: bool = False,
) -> None:
    """Work out a whole document: train, measure, draw, and write its report as PDF and HTML.

    What is finished is not done again, and what was interrupted is continued: the same command
    goes on. `distaff study list` shows the studies.

    Examples:
        distaff study mnist-likelihoods --plan
        distaff study mnist-likelihoods --budget quick

    Args:
        name: Name of the study, or list.
        budget: smoke takes seconds and shows that all works, quick takes minutes on a laptop, full
            is what the document asks for.
        runs: Folder that holds all runs; the study's files come into its folder studies.
        plan: Only show what would be done, what is finished, and about how long the rest takes.
        json: Print JSON.
    """
    from distaff.studies import STUDIES, conduct
    from distaff.studies import plan as steps_of
    from distaff.terminal import StudyProgress, print_plan

    if name == "list":
        list_("studies", json=json)
        return
    chosen = look_up(STUDIES, name, "study")(budget)
    if plan:
        steps = steps_of(chosen, runs)
        if json:
            _print_json([step._asdict() for step in steps])
        else:
            print_plan(f"{name}, budget {budget}", steps)
        return
    with StudyProgress() as progress:
        folder = conduct(chosen, runs, watcher=progress)
    if json:
        _print_json({"folder": str(folder), "report": str(folder / "report.pdf")})
    else:
        print(f"report: {folder / 'report.pdf'}\nall files: {folder / 'index.html'}")


VERBS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "train": train,
    "evaluate": evaluate,
    "illustrate": illustrate,
    "compare": compare,
    "report": report,
    "audit": audit,
    "study": study,
    "list": list_,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a verb; returns the exit code: 0, 1 for what went wrong, 2 for what was asked wrongly.

    `--debug` anywhere shows the traceback of an error.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        _dispatch(words)
    except BrokenPipeError:  # whoever read the output, as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (DistaffError, OSError, ValueError) as error:
        if debug:
            raise
        print(f"distaff: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, DistaffError) else 1
    except KeyboardInterrupt:
        print("distaff: stopped.", file=sys.stderr)
        return 130
    return 0


def _dispatch(words: list[str]) -> None:
    if words and not words[0].startswith("-"):
        look_up(VERBS, words[0], "command")
    if words[:1] == ["train"] and len(words) > 1 and not words[1].startswith("-"):
        _train_with_flags(words[1], words[2:])
    else:
        tyro.extras.subcommand_cli_from_dict(
            VERBS, prog="distaff", description=DESCRIPTION, args=words or ["--help"], config=TYRO
        )


def _train_with_flags(recipe: str, flags: list[str]) -> None:
    """Parses the flags that the types of a recipe's own configs give rise to."""
    from distaff.experiment import Experiment

    start = _change_kinds(_experiment_named(recipe), flags)

    def train(
        experiment: Annotated[Experiment, tyro.conf.arg(name="")] = start,
        runs: Path = Path("runs"),
        resume: bool = False,
        json: bool = False,
    ) -> None:
        trained = _train(experiment, runs, resume=resume)
        folders = [str(run.folder) for run in trained]
        if json:
            _print_json(folders)
        else:
            print("\n".join(f"trained: {folder}" for folder in folders))

    train.__doc__ = f"""Train {recipe}, one run for each seed.

    --data, --model, --model.encoder, --model.decoder and --model.likelihood followed by a name
    (see distaff list) change the kind; its settings are then shown and can be set.

    Args:
        experiment: What to train.
        runs: Folder that holds all runs.
        resume: Go on with runs that were interrupted.
        json: Print JSON.
    """
    tyro.cli(train, prog=f"distaff train {recipe}", args=flags, config=TYRO[:2])


def _experiment_named(recipe: str) -> "Experiment":
    from distaff.manifest import read_experiment
    from distaff.recipes import RECIPES

    path = Path(recipe)
    if path.suffix == ".json":
        return read_experiment(path)
    return look_up(RECIPES, recipe, "recipe")


def _change_kinds(experiment: "Experiment", flags: list[str]) -> "Experiment":
    """Takes `--model.decoder dense` and the like out of the flags and changes the experiment."""
    from distaff.experiment import with_kind

    for path in KIND_FLAGS:
        if f"--{path}" in flags:
            place = flags.index(f"--{path}")
            if place + 1 == len(flags):
                raise UsageError(f"--{path} needs a name; see distaff list.")
            experiment = with_kind(experiment, path, flags[place + 1])
            del flags[place : place + 2]
    return experiment


def _train(experiment: "Experiment", runs: Path, *, resume: bool) -> "list[Run]":
    from distaff.terminal import TrainingProgress
    from distaff.train import train

    with TrainingProgress() as progress:
        return train(experiment, runs, resume=resume, progress=progress)


def _evaluate_tables(
    codes: Path,
    factors: Path,
    out: Path | None,
    metrics: tuple[str, ...],
    seed: int,
    json: bool,
) -> None:
    from distaff.evaluate import measure, to_json
    from distaff.report import report_of_codes
    from distaff.tables import read_table
    from distaff.terminal import STDERR, print_scores

    table, known = read_table(codes), read_table(factors)
    with STDERR.status(f"measuring {codes}"):
        scores = measure(table.values, known.values, metrics, factor_names=known.names, seed=seed)
    if json:
        _print_json({name: to_json(score) for name, score in scores.items()})
    else:
        print_scores(str(codes), scores)
    if out:
        words = ["--codes", codes, "--factors", factors, "--metrics", *scores, "--seed", seed]
        command = shlex.join(["distaff", "evaluate", *map(str, words)])
        path = report_of_codes(out, scores, table, known, command)
        if not json:
            print(f"report: {path}")


def _finished_runs(folder: Path) -> "list[Run]":
    from distaff.errors import RunError
    from distaff.runs import find_runs

    found = find_runs(folder)
    finished = [run for run in found if run.finished]
    if not finished:
        raise RunError(
            f"the run at {found[0].folder} is not finished; go on with distaff train and --resume."
        )
    return finished


def _print_json(content: Any) -> None:
    print(_as_json(content))


def _as_json(content: Any) -> str:
    return json.dumps(content, indent=2)
