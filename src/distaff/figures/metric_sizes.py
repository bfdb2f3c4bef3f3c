"""What scores say of the same code with few and with many images."""

from collections.abc import Sequence
from textwrap import fill
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from distaff.figures.house_style import COLOURS, figure_of_height, house_style

COLUMNS = 5
PANEL_HEIGHT, LEGEND_HEIGHT = 1.2, 0.6
"""Inches."""
TICKS = (300, 3_000, 30_000)
FONT = 6.5
"""Points."""


class SizePanel(NamedTuple):
    """The values of one score."""

    name: str
    sizes: Sequence[int]
    """Numbers of images, ascending."""
    values: Float[np.ndarray, "code size"]
    """Means over data sets, as a share of the best value; NaN where there is none."""
    spreads: Float[np.ndarray, "code size"]
    """Standard deviations over data sets; NaN where there is none."""
    limits: Float[np.ndarray, " code"]
    """What the values should tend to; NaN where that is not known."""


def metric_sizes(panels: Sequence[SizePanel], *, code_names: Sequence[str]) -> Figure:
    """Draws a small panel for each score, five in a row: value against the number of images.

    The band is a standard deviation to each side over data sets, and the dashed line the limit.

    Args:
        panels: in reading order.
        code_names: of the curves.
    """
    rows = -(-len(panels) // COLUMNS)
    with house_style():
        figure = figure_of_height(LEGEND_HEIGHT + PANEL_HEIGHT * rows)
        grid = figure.subplots(rows, COLUMNS, squeeze=False, sharey=True)
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw_panel(axes, panel)
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        for place in range(len(panels)):
            if place + COLUMNS < len(panels):
                grid.flat[place].set_xticklabels([])
        figure.supxlabel("images", fontsize=8)
        _write_legend(figure, code_names)
    return figure


def _draw_panel(axes: Axes, panel: SizePanel) -> None:
    curves = zip(panel.values, panel.spreads, panel.limits, COLOURS, strict=False)
    for values, spreads, limit, colour in curves:
        band = values - spreads, values + spreads
        axes.fill_between(panel.sizes, *band, color=colour, alpha=0.2, lw=0)
        axes.plot(panel.sizes, values, color=colour, marker="o", markersize=2, lw=1.1)
        if np.isfinite(limit):
            axes.axhline(limit, color=colour, linestyle=(0, (4, 3)), lw=0.8)
    axes.set_title(fill(panel.name, 21), fontsize=FONT, pad=3)
    axes.set_xscale("log")
    axes.set_xlim(panel.sizes[0] / 1.4, panel.sizes[-1] * 1.4)
    axes.xaxis.set_major_locator(FixedLocator([t for t in TICKS if t >= panel.sizes[0]]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.tick_params(labelsize=FONT, length=2, pad=2)


def _write_legend(figure: Figure, code_names: Sequence[str]) -> None:
    keys = [
        Line2D([], [], color=colour, marker="o", markersize=3, label=name)
        for name, colour in zip(code_names, COLOURS, strict=False)
    ]
    keys.append(Line2D([], [], color="0.3", linestyle=(0, (4, 3)), lw=0.8, label="limit"))
    figure.legend(handles=keys, loc="outside upper center", ncols=len(keys), fontsize=7.5)
