"""Mutual information from histograms, as disentanglement_lib estimates it.

Each latent is cut into 20 cells of equal width between its smallest and largest value, and the
information is that of the frequencies, without correction of its bias. So 20 cells cannot carry
the log 40 nats of a factor of 40 values, one outlier puts all other rows into one cell, and
independent variables share (rows - 1)(columns - 1) / 2n nats.
"""

import numpy as np
from jaxtyping import Float, Int

BINS = 20


def histogram_cells(codes: Float[np.ndarray, "sample latent"]) -> Int[np.ndarray, "sample latent"]:
    """Returns the index of the cell of each value; the largest value lies in the last cell."""
    return np.stack(
        [np.digitize(column, np.histogram(column, BINS)[1][:-1]) for column in codes.T], axis=1
    )


def frequency_information(
    cells: Int[np.ndarray, "sample latent"], factors: Int[np.ndarray, "sample factor"]
) -> Float[np.ndarray, "latent factor"]:
    """Returns the mutual information of the frequencies of each two columns, in nats."""
    return np.array([[_information(cell, factor) for factor in factors.T] for cell in cells.T])


def _information(first: Int[np.ndarray, " sample"], second: Int[np.ndarray, " sample"]) -> float:
    first, second = first - first.min(), second - second.min()
    if first.max() == 0 or second.max() == 0:
        return 0.0  # without the rounding of the sums
    width = second.max() + 1
    joint = np.bincount(first * width + second, minlength=(first.max() + 1) * width)
    share = joint.reshape(-1, width) / len(first)
    expected = share.sum(axis=1, keepdims=True) * share.sum(axis=0)
    met = share > 0
    return max(0.0, float((share[met] * np.log(share[met] / expected[met])).sum()))
