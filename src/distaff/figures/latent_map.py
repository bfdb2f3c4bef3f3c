"""Codes of images in a plane, coloured by class."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from distaff.figures.house_style import figure_of_height, house_style


def latent_map(
    points: Float[np.ndarray, "image 2"],
    classes: Int[np.ndarray, " image"],
    *,
    axis_labels: Sequence[str],
    title: str = "",
) -> Figure:
    """Draws a point for each image, each class in a colour of its own, named at its median.

    Args:
        points: where each image lies.
        classes: class of each image, from 0 on; at most ten.
        axis_labels: of the horizontal and the vertical axis.
        title: above all.
    """
    colours = mpl.colormaps["tab10"].colors  # type: ignore[attr-defined]
    with house_style():
        figure = figure_of_height(5.2)
        axes = figure.add_subplot()
        for each in np.unique(classes):
            rows = points[classes == each]
            axes.scatter(
                rows[:, 0], rows[:, 1], s=9, color=colours[each], label=str(each), linewidths=0
            )
            axes.annotate(
                str(each),
                np.median(rows, axis=0),
                fontsize=13,
                fontweight="bold",
                ha="center",
                va="center",
                bbox={"boxstyle": "circle", "fc": "white", "ec": colours[each], "alpha": 0.85},
            )
        axes.set_xlabel(axis_labels[0])
        axes.set_ylabel(axis_labels[1])
        axes.set_aspect("equal", adjustable="datalim")
        axes.legend(title="class", markerscale=2, loc="center left", bbox_to_anchor=(1, 0.5))
        axes.set_title(title)
    return figure
