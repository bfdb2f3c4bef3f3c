"""The way from one image to another through the latents."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.image_grid import image_grid


def interpolations(
    left: Float[np.ndarray, "pair channel height width"],
    between: Float[np.ndarray, "pair alpha channel height width"],
    right: Float[np.ndarray, "pair channel height width"],
    *,
    alphas: Sequence[float],
    title: str = "",
) -> Figure:
    """Draws a row for each pair: an original, the pictures between, the other original.

    Args:
        left: originals.
        between: decoded points between them.
        right: originals.
        alphas: weight of the right image's latents in each picture between.
        title: above all.
    """
    rows = np.concatenate([left[:, None], between, right[:, None]], axis=1)
    inner = [f"α = {alpha:g}" for alpha in alphas]
    return image_grid(rows, title=title, column_labels=["original", *inner, "original"])
