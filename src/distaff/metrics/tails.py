"""Outermost rows of a latent, drawn in, so that a single outlier decides nothing."""

import numpy as np
from jaxtyping import Float

TAIL = 0.005
"""Share of the rows at each end of a latent that are brought to the end of the others."""


def drawn_in(codes: Float[np.ndarray, "sample latent"]) -> Float[np.ndarray, "sample latent"]:
    """Returns the latents as they are, but for the values beyond those of the inner rows."""
    low, high = np.quantile(codes, [TAIL, 1 - TAIL], axis=0)
    return np.asarray(np.clip(codes, low, high))
