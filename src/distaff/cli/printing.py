"""Tables for the terminal."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from rich.table import Table

from distaff.cli.terminal import Terminal, say, show
from distaff.compare import RankCorrelation, Row
from distaff.metrics.score import Score


def print_plan(title: str, steps: Sequence[tuple[str, str, bool, float]]) -> None:
    """Prints the steps of a study, and how long the unfinished ones take.

    Args:
        title: above the table.
        steps: name, what it is, whether it is finished, seconds it takes on two cores.
    """
    show(title)
    table = Table("step", "what", "state", "on two cores, about")
    for name, what, finished, seconds in steps:
        table.add_row(name, what, "finished" if finished else "to do", _minutes(seconds))
    Terminal().print(table)
    left = sum(seconds for _, _, finished, seconds in steps if not finished)
    show(f"left to do: about {_minutes(left)}")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def print_scores(title: str, scores: dict[str, Score]) -> None:
    """Prints scores with interval, chance, ceiling and parts."""
    show(title)
    table = Table()
    for heading in ("score", "value", "95 % interval", "chance", "ceiling"):
        table.add_column(heading, justify="left" if heading == "score" else "right")
    for name, score in scores.items():
        interval = "{:.3f} to {:.3f}".format(*score.interval) if score.interval else ""
        bounds = (f"{score.chance:.3f}", f"{score.ceiling:.3f}")
        options = "".join(f"\n  {option}={value}" for option, value in score.options.items())
        table.add_row(name + options, f"{score.value:.3f}", interval, *bounds)
        for part, value in score.parts.items():
            table.add_row(f"  {part}", f"{value:.3f}")
    Terminal().print(table)
    origins: dict[str, list[str]] = defaultdict(list)
    for name, score in scores.items():
        origins[str(score.origin)].append(name)
    for origin, names in origins.items():
        if origin:
            show(f"{', '.join(names)}: {origin}")


def print_stale(title: str, stale: Sequence[str]) -> None:
    """Prints which scores of a run are of parameters that it no longer has, and not shown."""
    if stale:
        say(
            f"{title}: stale and left out, of other parameters: {', '.join(stale)}; evaluate the "
            f"run again."
        )


def print_comparison(rows: Sequence[Row], ranks: Sequence[RankCorrelation]) -> None:
    """Prints a line for each number of each experiment, then the rank correlations."""
    table = Table()
    for heading in ("experiment", "quantity", "seeds", "mean", "95 % interval", "median", "range"):
        table.add_column(
            heading, justify="left" if heading in ("experiment", "quantity") else "right"
        )
    for row in rows:
        interval = "{:.3f} to {:.3f}".format(*row.interval) if row.interval else ""
        spread = f"{row.smallest:.3f} to {row.largest:.3f}"
        table.add_row(
            row.experiment,
            row.quantity + (f" ({row.settings})" if row.settings else ""),
            str(row.seeds),
            f"{row.mean:.3f}",
            interval,
            f"{row.median:.3f}",
            spread,
        )
    Terminal().print(table)
    if ranks:
        table = Table("metric", "and metric", "runs", "rank correlation")
        for pair in ranks:
            table.add_row(pair.first, pair.second, str(pair.runs), f"{pair.spearman:.2f}")
        Terminal().print(table)


def print_list(title: str, lines: Iterable[tuple[str, str]]) -> None:
    """Prints names with what they are."""
    show(title)
    table = Table(show_header=False, box=None)
    for name, summary in lines:
        table.add_row(name, summary)
    Terminal().print(table)
