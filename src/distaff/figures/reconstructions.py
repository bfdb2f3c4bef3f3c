"""Images and what the model makes of them."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.image_grid import image_grid

PER_ROW = 8


def reconstructions(
    images: Float[np.ndarray, "image channel height width"],
    reconstructed: Float[np.ndarray, "image channel height width"],
    *,
    title: str = "",
) -> Figure:
    """Draws each image above its reconstruction, eight a row.

    Args:
        images: originals; a last row that is not full is filled up with white.
        reconstructed: their reconstructions, in the same order.
        title: above all.
    """
    pairs = np.stack([images, reconstructed])
    missing = -len(images) % PER_ROW
    pairs = np.pad(pairs, [(0, 0), (0, missing), (0, 0), (0, 0), (0, 0)], constant_values=1)
    blocks = pairs.shape[1] // PER_ROW
    rows = pairs.reshape(2, blocks, PER_ROW, *images.shape[1:]).swapaxes(0, 1)
    return image_grid(
        rows.reshape(2 * blocks, PER_ROW, *images.shape[1:]),
        title=title,
        row_labels=["image", "reconstruction"] * blocks,
    )
