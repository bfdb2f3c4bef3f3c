"""The table of `distaff compare`: for the terminal, for a paper, for a spreadsheet, as a figure."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from tabulate import tabulate

from distaff.cli.terminal import Terminal, show
from distaff.compare import Compared, Estimate
from distaff.errors import UsageError
from distaff.text import printable

TABULATE = {"latex": "latex_booktabs", "markdown": "github"}


def sorted_by(lines: Sequence[Compared], column: str) -> list[Compared]:
    """Returns the lines sorted by a score, the best first, or by a setting; as given by ''.

    Raises:
        UsageError: there is no such column.
    """
    if not column:
        return list(lines)
    scores, settings = _columns(lines)
    if column in scores:
        return sorted(lines, key=lambda line: -_value(line, column))
    if column in settings:
        return sorted(lines, key=lambda line: _order(line.settings.get(column, "")))
    raise UsageError(
        f"there is no column {column!r} to sort by; give one of {', '.join([*settings, *scores])}."
    )


def print_table(lines: Sequence[Compared], format: str) -> None:
    """Prints a line for each experiment: its name, settings that differ, seeds, scores."""
    scores, settings = _columns(lines)
    heads = ["experiment", *settings, "seeds", *scores]
    if format == "csv":
        _print_csv(lines, scores, settings)
        return
    rows = [
        [
            line.name,
            *(str(line.settings.get(name, "")) for name in settings),
            str(line.seeds),
            *(_shown(line.scores.get(name)) for name in scores),
        ]
        for line in lines
    ]
    if format in TABULATE:
        cells = [[printable(cell) for cell in row] for row in rows]
        text = tabulate(cells, heads, tablefmt=TABULATE[format], disable_numparse=True)
        for text_line in text.splitlines():
            show(text_line)
        return
    table = Table(*heads)
    for row in rows:
        table.add_row(*row)
    Terminal().print(table)


def draw(lines: Sequence[Compared], column: str, path: Path) -> None:
    """Writes a figure of all scores against a setting.

    Args:
        lines: of the table.
        column: the setting; where it is none, the first one whose values are numbers.
        path: of the figure.

    Raises:
        UsageError: no setting is a number for every line.
    """
    from distaff.figures import score_against_setting
    from distaff.figures.house_style import house_style
    from distaff.files import atomic_write

    scores, settings = _columns(lines)
    numeric = [s for s in settings if all(_is_number(line.settings.get(s)) for line in lines)]
    setting = column if column in numeric else next(iter(numeric), None)
    if setting is None or not scores:
        raise UsageError(
            "a figure needs scores and a setting that differs between the experiments and is a "
            "number, for example model.beta."
        )
    ordered = sorted(lines, key=lambda line: float(line.settings[setting]))
    points = {
        name: [
            (float(line.settings[setting]), _with_ends(line.scores[name]))
            for line in ordered
            if name in line.scores
        ]
        for name in scores
    }
    figure = score_against_setting(points, setting=setting, title=f"Scores against {setting}")
    with atomic_write(path) as temporary, house_style():
        figure.savefig(temporary)


def _columns(lines: Sequence[Compared]) -> tuple[list[str], list[str]]:
    scores = list(dict.fromkeys(name for line in lines for name in line.scores))
    return scores, list(dict.fromkeys(name for line in lines for name in line.settings))


def _print_csv(lines: Sequence[Compared], scores: list[str], settings: list[str]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    ends = [f"{name}{end}" for name in scores for end in ("", " low", " high")]
    writer.writerow(["experiment", *settings, "seeds", *ends])
    for line in lines:
        cells: list[Any] = [line.name, *(line.settings.get(name, "") for name in settings)]
        cells.append(line.seeds)
        for name in scores:
            estimate = line.scores.get(name)
            if estimate is None:
                cells += ["", "", ""]
            else:
                cells += [estimate.value, *(estimate.interval or ("", ""))]
        writer.writerow(cells)
    for row in out.getvalue().splitlines():
        show(row)


def _shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    value = f"{estimate.value:.3f}"
    return value + (" [{:.3f}, {:.3f}]".format(*estimate.interval) if estimate.interval else "")


def _value(line: Compared, score: str) -> float:
    value = line.scores[score].value if score in line.scores else -math.inf
    return -math.inf if math.isnan(value) else value


def _order(value: object) -> tuple[int, float, str]:
    return (0, float(value), "") if _is_number(value) else (1, 0.0, str(value))  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _with_ends(estimate: Estimate) -> tuple[float, float, float]:
    return (estimate.value, *(estimate.interval or (estimate.value, estimate.value)))
