"""The verbs that measure: evaluate and compare."""

import shlex
from pathlib import Path
from typing import Annotated

import tyro

from distaff.cli.output import DataPath, finished_runs, print_json
from distaff.errors import UsageError


def evaluate(
    run: Annotated[Path | None, tyro.conf.Positional] = None,
    *,
    codes: Path | None = None,
    factors: Path | None = None,
    out: Path | None = None,
    metrics: tuple[str, ...] = (),
    images: int = 10_000,
    seed: int = 0,
    data_path: DataPath = None,
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
        data_path: Where the run's own pictures or arrays lie now, if they were moved.
        json: Print JSON.
    """
    from distaff.evaluate import evaluate
    from distaff.terminal import ImageProgress, print_scores

    if (run is None) == (codes is None) or (codes is None) != (factors is None):
        raise UsageError("give the folder of a run, or both --codes and --factors.")
    if codes and factors:
        _evaluate_tables(codes, factors, out, metrics or ("mutual-information-gap",), seed, json)
        return
    assert run  # the check above leaves a run
    if out:
        raise UsageError(f"--out {out} is for --codes; the scores of a run are kept in its folder.")
    found = finished_runs(run, data_path)
    for each in found:
        with ImageProgress("encoded") as progress:
            progress.start(f"measuring {each.folder}")
            scores = evaluate(each, metrics, images=images, seed=seed, on_images=progress.advance)
        if not json:
            print_scores(str(each.folder), scores)
    if json:
        print_json({str(each.folder): each.read("scores.json") for each in found})


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
        print_json({name: to_json(score) for name, score in scores.items()})
    else:
        print_scores(str(codes), scores)
    if out:
        words = ["--codes", codes, "--factors", factors, "--metrics", *scores, "--seed", seed]
        command = shlex.join(["distaff", "evaluate", *map(str, words)])
        path = report_of_codes(out, scores, table, known, command)
        if not json:
            print(f"report: {path}")


def compare(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    *,
    udr: bool = False,
    data_path: DataPath = None,
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
        data_path: Where the runs' own pictures or arrays lie now, if they were moved; for udr.
        json: Print JSON.
    """
    from distaff.agree import agree
    from distaff.compare import compare, rank_correlations
    from distaff.runs import find_runs
    from distaff.terminal import STDERR, print_comparison

    if not runs:
        raise UsageError("no folder given; for example distaff compare runs/demo")
    found = [run for folder in runs for run in find_runs(folder, data_path)]
    if udr:
        with STDERR.status("measuring udr"):
            agree(found)
    rows, ranks = compare(found), rank_correlations(found)
    if json:
        content = {"rows": [row._asdict() for row in rows]}
        print_json(content | {"rank_correlations": [rank._asdict() for rank in ranks]})
    else:
        print_comparison(rows, ranks)
