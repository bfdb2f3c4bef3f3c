"""What scores say of codes whose quality is known, against what they should say."""

from collections.abc import Sequence
from itertools import groupby
from textwrap import fill
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from distaff.figures.house_style import COLOURS, figure_of_height, house_style

TOO_LOW_TO_TOO_HIGH = LinearSegmentedColormap.from_list(
    "too low to too high", [COLOURS[0], "white", COLOURS[1]]
)
NO_ANSWER = "0.88"
ROW_HEIGHT, HEADINGS, PANEL_SPACE = 0.165, 2.1, 0.35
"""Inches."""
LABELS, NUMBERS = 7, 5.5
"""Points."""


class AuditPanel(NamedTuple):
    """The scores of one mode."""

    title: str
    score_names: Sequence[str]
    groups: Sequence[str]
    """What each score asks; neighbours that ask the same are put under one heading."""
    values: Float[np.ndarray, "score code"]
    """NaN where there is none."""
    expected: Float[np.ndarray, "score code"]
    """NaN where no answer is expected."""
    failed: Bool[np.ndarray, "score code"]
    """Where a score that applies gave none."""


def metric_audit(panels: Sequence[AuditPanel], *, code_names: Sequence[str]) -> Figure:
    """Draws a heat map of scores by codes for each mode.

    The number is the score, without the zero before its point, and the colour is score minus
    expected answer. Grey: no single answer is expected. Hatched: the score does not apply; with a
    cross: it failed.

    Args:
        panels: one above the other.
        code_names: of the columns.
    """
    rows = [len(panel.score_names) for panel in panels]
    with house_style():
        figure = figure_of_height(HEADINGS + ROW_HEIGHT * sum(rows) + PANEL_SPACE * len(panels))
        all_axes = figure.subplots(len(panels), squeeze=False, height_ratios=rows)[:, 0]
        for axes, panel in zip(all_axes, panels, strict=True):
            image = _draw_panel(axes, panel)
            axes.set_xticks(range(len(code_names)), [])
        _write_codes(all_axes[0], code_names)
        bar = figure.colorbar(image, ax=all_axes, location="bottom", aspect=45, fraction=0.02)
        bar.ax.tick_params(labelsize=LABELS)
        bar.set_label(
            "score minus expected answer     grey: no single answer expected     "
            "hatched: does not apply     ×: failed",
            fontsize=LABELS,
        )
    return figure


def _write_codes(axes: Axes, names: Sequence[str]) -> None:
    axes.set_xticks(range(len(names)), names, rotation=55, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", pad=0, labelsize=LABELS)


def _draw_panel(axes: Axes, panel: AuditPanel) -> AxesImage:
    image = axes.imshow(
        np.ma.masked_invalid(panel.values - panel.expected),
        cmap=TOO_LOW_TO_TOO_HIGH.with_extremes(bad=NO_ANSWER),
        vmin=-1,
        vmax=1,
        aspect="auto",
    )
    for row, column in np.ndindex(*panel.values.shape):
        _write_cell(axes, panel, row, column)
    axes.set_yticks(range(len(panel.score_names)), panel.score_names)
    axes.tick_params(length=0, labelsize=LABELS, pad=2)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_ylabel(panel.title, fontweight="bold")
    _write_groups(axes, panel.groups)
    return image


def _write_cell(axes: Axes, panel: AuditPanel, row: int, column: int) -> None:
    value = panel.values[row, column]
    if np.isfinite(value):
        off = abs(value - panel.expected[row, column])
        colour = "white" if off > 0.7 else "black"
        axes.text(
            column, row, _short(value), ha="center", va="center", color=colour, fontsize=NUMBERS
        )
        return
    cell = (column - 0.5, row - 0.5)
    axes.add_patch(Rectangle(cell, 1, 1, facecolor="white", edgecolor="0.75", hatch="////", lw=0))
    if panel.failed[row, column]:
        axes.text(column, row, "×", ha="center", va="center", fontweight="bold", fontsize=9)


def _short(value: float) -> str:
    """The value with two digits, as many as the cell of one of two dozen codes has room for."""
    text = f"{value:.2f}".replace("-0.00", "0.00")
    return {"0.00": "0", "1.00": "1"}.get(text, text.replace("0.", ".", 1))


def _write_groups(axes: Axes, groups: Sequence[str]) -> None:
    """Writes what a group of rows asks to their right, with a line above the next group."""
    first = 0
    for name, members in groupby(groups):
        size = len(list(members))
        middle = first + (size - 1) / 2
        place = axes.get_yaxis_transform()
        words = fill(name, 16) if size > 1 else name
        axes.text(1.01, middle, words, transform=place, va="center", fontsize=6)
        first += size
        if first < len(groups):
            axes.axhline(first - 0.5, color="black", lw=0.6)
