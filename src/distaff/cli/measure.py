"""The verbs that measure: evaluate and compare."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from distaff.cli.output import DataPath, opened_runs, print_json
from distaff.cli.terminal import STDERR, show
from distaff.errors import UsageError

if TYPE_CHECKING:
    from distaff.runs import OpenRun


def evaluate(
    run: Annotated[Path | None, tyro.conf.Positional] = None,
    *,
    codes: Path | None = None,
    factors: Path | None = None,
    out: Path | None = None,
    metrics: tuple[str, ...] = (),
    metric: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = (),
    images: int = 10_000,
    posterior: Literal["mean", "sample"] = "mean",
    active: tuple[str, ...] = (),
    kinds: tuple[str, ...] = (),
    seed: int = 0,
    data_path: DataPath = None,
    json: bool = False,
) -> None:
    """Measure a run, all runs in a folder, or anybody's codes.

    Scores that intervene encode the whole data set where it is a grid of factors, once a run.
    Latents of a run whose KL is below 0.01 nats carry nothing; they are left out and named.

    Examples:
        distaff evaluate runs/demo
        distaff evaluate runs/demo --metrics all --json
        distaff evaluate runs/demo --posterior sample
        distaff evaluate runs/demo --metric dci.backend=lightgbm --metric sap
        distaff evaluate --codes codes.npy --factors factors.csv --metrics dci sap --out my-codes
        distaff evaluate --codes codes.npy --factors factors.csv --active 0,2,3

    Args:
        run: Folder of a run, or one that holds runs.
        codes: Instead of a run: a table of codes, a row for each image (npy, npz, csv, parquet,
            hdf5).
        factors: The factors of these images, a column each of numbers, words or truth values, in
            the same kinds of files; a csv may name them.
        out: Folder for scores.json and report.html of codes; a run has its own.
        metric: One more metric, or an option of one, as dci.backend=lightgbm; can be repeated.
        metrics: What to measure, or all; by default the metrics of the recipe, for codes the
            mutual information gap.
        images: How many test images of a run are encoded.
        posterior: What of a run's posteriors are the codes, their mean or a sample of them.
        active: Latents of --codes that count, by number from 0; by default all.
        kinds: Of --factors, where they are not what the values look like, as x=continuous or
            size=ordinal; by default fractions are continuous and all else is discrete.
        seed: Of the choice of images and of the metrics.
        data_path: Where the run's own pictures or arrays lie now, if they were moved.
        json: Print JSON.
    """
    if (run is None) == (codes is None) or (codes is None) != (factors is None):
        raise UsageError("give the folder of a run, or both --codes and --factors.")
    if codes and factors:
        if data_path or posterior != "mean":
            raise UsageError(
                "--data.path and --posterior are for runs; leave them out beside --codes."
            )
        words = (*metrics, *metric) or ("mutual-information-gap",)
        _evaluate_tables(codes, factors, out, words, active, kinds, seed, json)
        return
    assert run  # the check above leaves a run
    if active or kinds:
        raise UsageError(
            "--active and --kinds are for --codes; a run knows its idle latents and what its "
            "factors are."
        )
    if out:
        raise UsageError(f"--out {out} is for --codes; the scores of a run are kept in its folder.")
    words = (*metrics, *metric)
    measured = {
        str(each.run.folder): _evaluate_run(each, words, images, posterior, seed, quiet=json)
        for each in opened_runs(run, data_path)
    }
    if json:
        print_json(measured)


def _evaluate_run(
    opened: "OpenRun", words: tuple[str, ...], images: int, codes: str, seed: int, *, quiet: bool
) -> dict[str, Any]:
    """Measures a run, prints its scores unless told to be quiet, and returns them as JSON."""
    from distaff.cli.printing import print_scores, print_stale
    from distaff.cli.progress import ImageProgress
    from distaff.evaluate import evaluate, to_json
    from distaff.metrics.options import from_words

    title = str(opened.run.folder)
    with ImageProgress("encoded") as progress:
        progress.start(f"measuring {title}")
        scores = evaluate(
            opened,
            from_words(words),
            images=images,
            seed=seed,
            codes=codes,
            on_images=progress.advance,
        )
    if not quiet:
        print_scores(title, scores)
    print_stale(title, opened.run.stale_scores)
    return {name: to_json(score) for name, score in scores.items()}


def _evaluate_tables(
    codes: Path,
    factors: Path,
    out: Path | None,
    words: tuple[str, ...],
    active: tuple[str, ...],
    kinds: tuple[str, ...],
    seed: int,
    json: bool,
) -> None:
    from distaff.cli.printing import print_scores
    from distaff.data.reading.tables import NumericTable, read_factor_table, read_table
    from distaff.evaluate import to_json
    from distaff.factors import factor_arrays
    from distaff.metrics.measuring import measure
    from distaff.metrics.options import from_words
    from distaff.metrics.score import Origin
    from distaff.report import report_of_codes

    table, columns = read_table(codes), read_factor_table(factors)
    known = factor_arrays(columns, _kinds(kinds, list(columns)))
    counts = _active(active, table.values.shape[1])
    with STDERR.busy(f"measuring {codes}"):
        scores = measure(
            table.values,
            known.table,
            from_words(words),
            factor_names=known.names,
            factor_kinds=known.kinds if set(known.kinds) != {"discrete"} else None,
            seed=seed,
            active=counts,
        )
    origin = Origin(left_out=tuple(place for place, counted in enumerate(counts) if not counted))
    scores = {name: score._replace(origin=origin) for name, score in scores.items()}
    if json:
        print_json({name: to_json(score) for name, score in scores.items()})
    else:
        print_scores(str(codes), scores)
    if out:
        flags = ["--codes", codes, "--factors", factors, "--metrics", *words, "--seed", seed]
        flags += ["--active", *active] if active else []
        flags += ["--kinds", *kinds] if kinds else []
        command = shlex.join(["distaff", "evaluate", *map(str, flags)])
        named = NumericTable(known.table, tuple(known.names))
        path = report_of_codes(out, scores, table, named, command)
        if not json:
            show(f"report: {path}")


def _kinds(given: tuple[str, ...], names: list[str]) -> dict[str, str]:
    """Returns the kind of each factor that is named as `x=continuous`."""
    kinds = {}
    for word in given:
        name, equals, kind = word.rpartition("=")
        if not equals or name not in names or kind not in ("discrete", "ordinal", "continuous"):
            raise UsageError(
                f"--kinds has {word!r:.80}; give NAME=discrete, NAME=ordinal or NAME=continuous, "
                f"with NAME one of {', '.join(names)}."
            )
        kinds[name] = kind
    return kinds


def _active(named: tuple[str, ...], latents: int) -> list[bool]:
    """Returns for each latent whether it is among those named, as `0,2,3` or one by one."""
    words = [word for words in named for word in words.split(",") if word]
    if wrong := [word for word in words if not word.isdecimal() or int(word) >= latents]:
        raise UsageError(
            f"--active names the latent {wrong[0]!r}; give numbers from 0 to {latents - 1}, for "
            f"example 0,2,3."
        )
    return [not words or str(latent) in words for latent in range(latents)]


def compare(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    *,
    udr: bool = False,
    format: Literal["table", "csv", "latex", "markdown"] = "table",
    sort: str = "",
    figure: Path | None = None,
    details: bool = False,
    data_path: DataPath = None,
    json: bool = False,
) -> None:
    """Compare experiments: a line for each, with what differs between them, and their scores.

    Settings in which the experiments differ are columns, and so is each score: the mean over the
    seeds with its 95 % interval. Folders with a scores.json of anybody's codes have lines too.

    Examples:
        distaff compare runs/demo runs/dsprites-beta-vae
        distaff compare runs/dsprites-beta-vae --format latex --sort mutual-information-gap
        distaff compare runs/dsprites-beta-vae --udr --details

    Args:
        runs: Folders that hold runs, or scores of codes.
        format: How the table is printed.
        sort: Column by which the lines are sorted: a score, the best first, or a setting.
        figure: File (png, pdf) for a figure of the scores against the setting of --sort, or against
            the first one that is a number.
        details: Print each number with median and range, the parts of scores and the terms of the
            loss too, and the rank correlations of metrics over runs.
        udr: First measure whether the seeds of each experiment found the same latents, and keep the
            score of each run beside its others.
        data_path: Where the runs' own pictures or arrays lie now, if they were moved; for udr.
        json: Print JSON.
    """
    from distaff.cli.comparison import draw, print_table, sorted_by
    from distaff.cli.printing import print_comparison, print_stale
    from distaff.compare import compare, rank_correlations, table_of, udr_of_runs
    from distaff.runs import find_runs
    from distaff.runs.folders import scores_without_run

    if not runs:
        raise UsageError("no folder given; for example distaff compare runs/demo")
    foreign = {path: s for each in runs for path, s in scores_without_run(each).items()}
    found = []
    for folder in runs:
        if not any(path.is_relative_to(folder) for path in foreign) or any(
            folder.rglob("experiment.json")
        ):
            found += find_runs(folder, data_path)
    if udr:
        with STDERR.busy("measuring udr"):
            udr_of_runs(found)
    rows = compare(found) if found else []
    ranks = rank_correlations(found)
    lines = sorted_by(table_of(found, foreign), sort)
    finished = [run for run in found if run.finished]
    stale = {str(run.folder): run.stale_scores for run in finished if run.stale_scores}
    if json:
        content: dict[str, Any] = {"rows": [row._asdict() for row in rows]}
        content |= {"rank_correlations": [rank._asdict() for rank in ranks], "stale": stale}
        content |= {"table": [line._asdict() for line in lines]}
        print_json(content)
    else:
        print_table(lines, format)
    if details and not json:
        print_comparison(rows, ranks)
    if figure:
        draw(lines, sort, figure)
    for place, names in stale.items():
        print_stale(place, names)
