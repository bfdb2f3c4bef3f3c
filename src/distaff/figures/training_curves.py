"""Terms and objectives over the steps of a training."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from distaff.figures.house_style import COLOURS, figure_of_height, house_style

MOST_COLUMNS = 4
Curve = tuple[Sequence[float], Sequence[float]]


def training_curves(curves: Mapping[str, Mapping[str, Curve]], *, title: str = "") -> Figure:
    """Draws a panel for each term, four to a row, with one line for each split.

    Args:
        curves: term -> split -> (steps, values in nats per image); a split with the name
            `validation` is drawn with dots, since it is measured less often.
        title: above all.
    """
    with house_style():
        rows = -(-len(curves) // MOST_COLUMNS)
        columns = -(-len(curves) // rows)
        figure = figure_of_height(2.4 * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        panels, unused = panels[: len(curves)], panels[len(curves) :]
        for axes in unused:
            axes.set_axis_off()
        for axes, (term, splits) in zip(panels, curves.items(), strict=True):
            for colour, (split, (steps, values)) in zip(COLOURS, splits.items(), strict=False):
                marker = "o" if split == "validation" else ""
                axes.plot(steps, values, color=colour, marker=marker, markersize=3, label=split)
            axes.set_title(term)
            axes.set_xlabel("step")
            axes.set_ylim(*_range([v for _, values in splits.values() for v in values]))
        for axes in panels[::columns]:
            axes.set_ylabel("nats per image")
        panels[-1].legend()
        figure.suptitle(title)
    return figure


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From the least to what all but the first steps of a training stay below."""
    low, high = min(values), sorted(values)[int(0.95 * (len(values) - 1))]
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin
