"""Rows of a few images each, laid out in blocks beside each other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from distaff.figures.image_grid import ImageRows, image_grid


def column_blocks(
    rows: ImageRows, *, column_labels: Sequence[str], blocks: int = 1, title: str = ""
) -> Figure:
    """Draws rows of images with a label above each column, in one block or several.

    Args:
        rows: a few images each; their number is a multiple of `blocks`.
        column_labels: what the images of a row are.
        blocks: how many blocks stand side by side, to save height.
        title: above all.
    """
    white = np.ones_like(rows[: len(rows) // blocks, :1])
    parts: list[np.ndarray] = []
    labels: list[str] = []
    for block in np.split(rows, blocks):
        parts += [block, white]
        labels += [*column_labels, ""]
    return image_grid(np.concatenate(parts[:-1], axis=1), title=title, column_labels=labels[:-1])
