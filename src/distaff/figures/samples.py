"""Images drawn from the prior."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.image_grid import image_grid

PER_ROW = 12


def samples(
    images: Float[np.ndarray, "image channel height width"],
    *,
    title: str = "",
    row_labels: Sequence[str] = (),
) -> Figure:
    """Draws images twelve a row; their number must be a multiple of twelve.

    Args:
        images: values in [0, 1].
        title: above all.
        row_labels: left of each row, or none.
    """
    rows = images.reshape(-1, PER_ROW, *images.shape[1:])
    return image_grid(rows, title=title, row_labels=row_labels)
