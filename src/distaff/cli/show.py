"""The verbs that show: illustrate, report, study and list."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from distaff.cli.data import fetch_for
from distaff.cli.output import DataPath, Folder, opened_runs, print_json
from distaff.cli.terminal import STDERR, show

Noun = Literal[
    "models", "data", "nets", "likelihoods", "metrics", "figures", "recipes", "studies", "runs"
]


def illustrate(
    run: Folder,
    *,
    figures: tuple[str, ...] = (),
    data_path: DataPath = None,
    json: bool = False,
) -> None:
    """Draw the figures of a run, or of all runs in a folder, as PNG and PDF.

    Examples:
        distaff illustrate runs/demo
        distaff illustrate runs/dsprites-beta-vae --figures q1_a q1_b

    Args:
        run: Folder of a run, or one that holds runs.
        figures: What to draw; by default the figures of the recipe.
        data_path: Where the run's own pictures or arrays lie now, if they were moved.
        json: Print JSON.
    """
    from distaff.illustrate import illustrate

    paths = []
    for each in opened_runs(run, data_path):
        with STDERR.busy(f"drawing {each.run.folder}"):
            paths += [str(path) for path in illustrate(each, figures)]
    if json:
        print_json(paths)
    else:
        for path in paths:
            show(path)


def report(run: Folder, *, data_path: DataPath = None, json: bool = False) -> None:
    """Write a page that stands alone: scores, figures, settings, how to reproduce the run.

    What was not measured or drawn yet, or is of parameters that are gone, is measured and drawn
    first; images without factors, or fewer
    than 100 for testing, are only drawn.

    Example: distaff report runs/demo

    Args:
        run: Folder of a run, or one that holds runs.
        data_path: Where the run's own pictures or arrays lie now, if they were moved.
        json: Print JSON.
    """
    from distaff.cli.progress import ImageProgress
    from distaff.evaluate import evaluate, measurable
    from distaff.illustrate import FIGURES, default_figures, illustrate
    from distaff.report import report
    from distaff.runs.figures import figures_of, missing_figures

    paths = []
    for each in opened_runs(run, data_path):
        with ImageProgress("encoded") as progress:
            progress.start(f"writing the report of {each.run.folder}")
            if (not each.run.scores or each.run.stale_scores) and measurable(each):
                evaluate(each, on_images=progress.advance)
            stale = [name for name in figures_of(each.run, stale=True) if name in FIGURES]
            lacking = {*stale, *missing_figures(each.run, default_figures(each))}
            if lacking:
                illustrate(each, sorted(lacking))
            paths.append(str(report(each)))
    if json:
        print_json(paths)
    else:
        for path in paths:
            show(f"report: {path}")


def study(
    name: Annotated[str, tyro.conf.Positional],
    *,
    budget: Literal["smoke", "quick", "full"] = "quick",
    runs: Path = Path("runs"),
    plan: bool = False,
    json: bool = False,
) -> None:
    """Run a whole study: train, measure, draw, and write its report as PDF and HTML.

    What is finished is not done again, and what was interrupted is continued: the same command
    goes on. `distaff study list` shows the studies.

    Examples:
        distaff study mnist-likelihoods --plan
        distaff study mnist-likelihoods --budget quick

    Args:
        name: Name of the study, or list.
        budget: smoke takes seconds and shows that all works, quick takes minutes on a laptop, full
            is what the document asks for.
        runs: Folder that holds all runs; what the study trains and writes comes into its folder
            studies.
        plan: Only show what would be done, what is finished, and about how long the rest takes.
        json: Print JSON.
    """
    from distaff.cli.printing import print_plan
    from distaff.cli.progress import StudyProgress
    from distaff.runs import study_runs
    from distaff.studies import STUDIES, run_study
    from distaff.studies import plan as steps_of

    if name == "list":
        list_("studies", json=json)
        return
    chosen = STUDIES.look_up(name)(budget)
    if plan:
        steps = steps_of(chosen, runs)
        if json:
            print_json([step._asdict() for step in steps])
        else:
            print_plan(f"{name}, budget {budget}", steps)
        return
    fetch_for(chosen.experiments.values(), study_runs(runs, chosen.name))
    with StudyProgress() as progress:
        folder = run_study(chosen, runs, watcher=progress)
    if json:
        print_json({"folder": str(folder), "report": str(folder / "report.pdf")})
    else:
        show(f"report: {folder / 'report.pdf'}")
        show(f"all files: {folder / 'index.html'}")


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
    from distaff.cli.catalogue import CATALOGUE, list_runs
    from distaff.cli.printing import print_list

    if what == "runs":
        listed = {"runs": list_runs(runs)}
    else:
        listed = {noun: lines() for noun, lines in CATALOGUE.items() if what in (None, noun)}
    if json:
        print_json({noun: dict(lines) for noun, lines in listed.items()})
    else:
        for noun, lines in listed.items():
            print_list(noun, lines)
