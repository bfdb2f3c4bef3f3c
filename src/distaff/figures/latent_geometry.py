"""Lines of positions, and where each decoder's latents put them."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distaff.figures.house_style import figure_of_height, house_style

Points = Float[np.ndarray, "point 2"]


def latent_geometry(
    positions: Points, line: Int[np.ndarray, " point"], latents: Mapping[str, Points]
) -> Figure:
    """Draws the true positions and, beside them, a panel for each decoder's two latents.

    A line has one colour in all panels: the upright ones go from light to dark blue, the level
    ones from light to dark orange. Both axes of a panel have the same scale.

    Args:
        positions: true (x, y) of each image.
        line: on which line each lies; the first half of the lines are upright, and the points of
            a line stand in its order.
        latents: title of a panel, of lines of at most 28 letters -> the two latents of each image.
    """
    with house_style():
        figure = figure_of_height(2.3 if len(latents) > 1 else 3.3)
        panels = figure.subplots(1, 1 + len(latents))
        _draw_lines(panels[0], positions, line)
        panels[0].set(title="true positions", xlabel="posX", ylabel="posY")
        panels[0].invert_yaxis()  # as in a picture, posY runs down
        for axes, (title, points) in zip(panels[1:], latents.items(), strict=True):
            _draw_lines(axes, points, line)
            axes.set(title=title, xlabel="first latent", ylabel="second latent")
    return figure


def _draw_lines(axes: Axes, points: Points, line: Int[np.ndarray, " point"]) -> None:
    half = (line.max() + 1) // 2
    shades = np.linspace(0.35, 0.95, half)
    colours = [*mpl.colormaps["Blues"](shades), *mpl.colormaps["Oranges"](shades)]
    for number, colour in enumerate(colours):
        x, y = points[line == number].T
        axes.plot(x, y, ".-", color=colour, linewidth=0.8, markersize=2.5)
    axes.set_aspect("equal", adjustable="datalim")
