"""Several grids of images side by side."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.house_style import PAGE_WIDTH, figure_of_height, house_style
from distaff.figures.image_grid import ImageRows, draw_grid


def image_panels(panels: Mapping[str, ImageRows], *, title: str = "") -> Figure:
    """Draws grids of images of the same shape beside each other, each with its name above.

    Args:
        panels: name -> images in rows and columns, values in [0, 1].
        title: above all.
    """
    rows, columns, _, height, width = next(iter(panels.values())).shape
    side = PAGE_WIDTH / len(panels)
    with house_style():
        figure = figure_of_height(side * rows * height / (columns * width) + 0.6)
        for axes, (name, images) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
        ):
            draw_grid(axes, images)
            axes.set_title(name)
        figure.suptitle(title)
    return figure


def pairs(
    images: Float[np.ndarray, "image channel height width"],
    others: Float[np.ndarray, "image channel height width"],
    *,
    columns: int = 8,
) -> ImageRows:
    """Lays out each image with the other one on its right.

    Args:
        images: as many as fill whole rows.
        others: one for each image.
        columns: images in a row, both kinds counted.

    Returns:
        [row, column, channel, height, width].
    """
    both = np.stack([images, others], axis=1)
    return both.reshape(-1, columns, *images.shape[1:])
