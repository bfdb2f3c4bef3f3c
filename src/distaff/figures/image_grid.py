"""Rows and columns of images on one canvas."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distaff.figures.house_style import PAGE_WIDTH, figure_of_height, house_style

ImageRows = Float[np.ndarray, "row column channel height width"]
GAP = 0.06
"""White space between two images, as a share of their width."""


def image_grid(
    images: ImageRows,
    *,
    title: str = "",
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
) -> Figure:
    """Draws images in rows and columns, each row and column labelled.

    Args:
        images: values in [0, 1] (others are cut off), one or three channels.
        title: above all.
        row_labels: left of each row, or none.
        column_labels: above each column, or none.

    Returns:
        A figure of page width.
    """
    rows, columns, _, height, width = images.shape
    label_inches = 0.075 * max(
        (len(line) for label in row_labels for line in label.split("\n")), default=0
    )
    cell = (PAGE_WIDTH - label_inches - 0.2) / columns
    with house_style():
        figure = figure_of_height(cell * rows * height / width + 0.35 * bool(title) + 0.35)
        axes = figure.add_subplot()
        draw_grid(axes, images)
        label_grid(axes, images.shape, row_labels, column_labels)
        axes.set_title(title)
    return figure


def draw_grid(axes: Axes, images: ImageRows) -> None:
    """Draws rows of images into axes, one pixel of an image being one unit."""
    canvas = montage(images)
    axes.imshow(canvas.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def label_grid(
    axes: Axes,
    shape: tuple[int, ...],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
) -> None:
    """Writes labels at the rows and columns of a grid of this shape."""
    rows, columns, _, height, width = shape
    gap = _gap(width)
    if column_labels:
        axes.set_xticks([gap + (width + gap) * i + width / 2 for i in range(columns)])
        axes.set_xticklabels(column_labels)
        axes.xaxis.tick_top()
    if row_labels:
        axes.set_yticks([gap + (height + gap) * i + height / 2 for i in range(rows)])
        axes.set_yticklabels(row_labels)
    axes.tick_params(length=0)


def montage(images: ImageRows) -> Float[np.ndarray, "canvas_height canvas_width channel"]:
    """Returns one picture of all images, apart from each other by white lines."""
    rows, columns, channels, height, width = images.shape
    gap = _gap(width)
    canvas = np.ones((rows * (height + gap) + gap, columns * (width + gap) + gap, channels))
    for row in range(rows):
        for column in range(columns):
            top, left = gap + row * (height + gap), gap + column * (width + gap)
            picture = np.clip(images[row, column], 0, 1).transpose(1, 2, 0)
            canvas[top : top + height, left : left + width] = picture
    return canvas


def _gap(width: int) -> int:
    return max(1, round(GAP * width))
