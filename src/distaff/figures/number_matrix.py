"""A matrix of shares, each cell with its number."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.house_style import figure_of_height, house_style


def number_matrix(
    values: Float[np.ndarray, "row column"],
    *,
    row_names: Sequence[str],
    column_names: Sequence[str],
    axis_names: tuple[str, str] = ("", ""),
    label: str,
    title: str = "",
) -> Figure:
    """Draws a matrix with the number written into each cell.

    Args:
        values: in [0, 1].
        row_names: left of each row.
        column_names: below each column.
        axis_names: what the rows are, and what the columns are.
        label: of the colours.
        title: above all.
    """
    with house_style():
        figure = figure_of_height(0.9 + 0.28 * len(values))
        axes = figure.add_subplot()
        image = axes.imshow(values, vmin=0, vmax=1, aspect="auto")
        for row, column in np.ndindex(*values.shape):
            value = values[row, column]
            colour = "black" if value > 0.6 else "white"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
        axes.set_xticks(range(len(column_names)), column_names)
        axes.set_yticks(range(len(row_names)), row_names)
        axes.set(ylabel=axis_names[0], xlabel=axis_names[1])
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_title(title)
        figure.colorbar(image, ax=axes, label=label)
    return figure
