"""What images are taken for."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.number_matrix import number_matrix


def confusion_matrix(
    confusion: Float[np.ndarray, "asked seen"], *, names: Sequence[str], title: str = ""
) -> Figure:
    """Draws a matrix of what was asked for by what was seen, the share written into each cell.

    Args:
        confusion: share of a row's images that are taken for each column.
        names: of the values, for rows and columns.
        title: above all.
    """
    return number_matrix(
        confusion,
        row_names=names,
        column_names=names,
        axis_names=("asked for", "seen"),
        label="share of the images asked for",
        title=title,
    )
