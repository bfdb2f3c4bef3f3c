"""One latent moved at a time."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.image_grid import image_grid


def traversals(
    images: Float[np.ndarray, "latent value channel height width"],
    *,
    values: Sequence[float],
    labels: Sequence[str],
    title: str = "",
) -> Figure:
    """Draws a row for each latent and a column for each of its values.

    Args:
        images: the pictures.
        values: what the moved latent is set to in each column.
        labels: of the rows: which latent, how many nats, which factor.
        title: above all.
    """
    return image_grid(
        images, title=title, row_labels=labels, column_labels=[f"{value:g}" for value in values]
    )
