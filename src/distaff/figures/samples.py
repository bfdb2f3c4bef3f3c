"""Images drawn from the prior."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.image_grid import image_grid

PER_ROW = 12


def samples(images: Float[np.ndarray, "image channel height width"], *, title: str = "") -> Figure:
    """Draws images twelve a row; their number must be a multiple of twelve."""
    return image_grid(images.reshape(-1, PER_ROW, *images.shape[1:]), title=title)
