"""One look for all figures: colours that the colour-blind can tell apart, sizes for a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

PAGE_WIDTH = 7.0
"""Inches; the text width of A4 and letter paper, near enough."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito 2008, "Color universal design"."""

STYLE: Any = {
    "axes.grid": True,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "grid.alpha": 0.3,
    "image.cmap": "cividis",
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    # a dollar in the name of a factor is a dollar
    "text.parse_math": False,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Applies the style to what is drawn inside."""
    with mpl.rc_context(STYLE):
        yield


def figure_of_height(height: float) -> Figure:
    """Returns an empty figure of page width; it belongs to no window and need not be closed."""
    return Figure(figsize=(PAGE_WIDTH, height), layout="constrained")


def logarithmic_height(axes: Axes) -> None:
    """Scales the vertical axis by logarithms, with plain numbers at its ticks.

    Matplotlib's own labels are formulas, which the style leaves as they are written.
    """
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(LogFormatter())
