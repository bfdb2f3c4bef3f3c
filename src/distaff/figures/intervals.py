"""Numbers with their intervals, a line for each thing compared."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from distaff.figures.house_style import COLOURS, figure_of_height, house_style

Estimate = tuple[float, float, float]
"""Value, lower and upper end of its interval."""


def intervals(
    estimates: Mapping[str, Mapping[str, Estimate]],
    *,
    quantity: str,
    order: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Draws dots with intervals: a row for each thing, a colour for each way to measure it.

    Args:
        estimates: thing -> way of measuring -> value with interval.
        quantity: what the numbers are, for the axis.
        order: of the things from top to bottom; by default as given.
        title: above all.
    """
    things = list(order or estimates)
    ways = list(next(iter(estimates.values())))
    with house_style():
        figure = figure_of_height(0.9 + 0.42 * len(things))
        axes = figure.add_subplot()
        for number, way in enumerate(ways):
            shift = 0.22 * (number - (len(ways) - 1) / 2)
            values = [estimates[thing][way] for thing in things]
            axes.errorbar(
                [value for value, _, _ in values],
                [row + shift for row in range(len(things))],
                xerr=[[v - low for v, low, _ in values], [high - v for v, _, high in values]],
                fmt="o",
                markersize=4,
                color=COLOURS[number],
                label=way,
            )
        axes.set_yticks(range(len(things)), things)
        axes.invert_yaxis()
        axes.set_xlabel(quantity)
        axes.set_title(title)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
