"""Two decoders beside each other: their reconstructions above their traversals."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.house_style import PAGE_WIDTH, figure_of_height, house_style
from distaff.figures.image_grid import draw_grid, label_grid

Row = Float[np.ndarray, "image channel height width"]
LABELS, TITLES = 1.0, 0.75
"""Inches: left of the panels, and around them."""


class Side(NamedTuple):
    """What one decoder makes of the images."""

    title: str
    reconstructed: Row
    traversed: Float[np.ndarray, "latent value channel height width"]
    latent_names: Sequence[str]
    """Of the rows of the traversal, short: two or three letters."""


def side_by_side(images: Row, sides: Sequence[Side], *, values: Sequence[float]) -> Figure:
    """Draws inputs and reconstructions, and under them a traversal, for each decoder.

    Args:
        images: originals, the same for all.
        sides: from left to right, each with a reconstruction of each image and a traversal.
        values: what the moved latent is set to in each column of the traversals.
    """
    rows = (2, max(len(side.traversed) for side in sides))
    height, width = images.shape[2:]
    columns = len(sides) * max(len(images), len(values))
    cell = (PAGE_WIDTH - LABELS) / columns * height / width
    with house_style():
        figure = figure_of_height(cell * sum(rows) + TITLES)
        panels = figure.subplots(2, len(sides), squeeze=False, height_ratios=rows)
        for (above, below), side in zip(panels.T, sides, strict=True):
            pairs = np.stack([images, side.reconstructed])
            draw_grid(above, pairs)
            above.set_title(side.title)
            draw_grid(below, side.traversed)
            names = [f"{value:.2g}" for value in values]
            label_grid(below, side.traversed.shape, side.latent_names, names)
            below.set_xlabel("value of the moved latent")
        label_grid(panels[0, 0], pairs.shape, ["input", "reconstruction"], [])
    return figure
