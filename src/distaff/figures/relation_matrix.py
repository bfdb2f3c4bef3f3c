"""How much each latent knows of each factor."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.number_matrix import number_matrix


def relation_matrix(
    relation: Float[np.ndarray, "latent factor"],
    *,
    factor_names: Sequence[str],
    latent_names: Sequence[str],
    title: str = "",
    label: str = "share of the factor's entropy",
) -> Figure:
    """Draws a matrix of latents by factors, the number written into each cell.

    Args:
        relation: values in [0, 1], for example mutual information over the factor's entropy.
        factor_names: of the columns.
        latent_names: of the rows.
        title: above all.
        label: what the values are.
    """
    return number_matrix(
        relation,
        row_names=latent_names,
        column_names=factor_names,
        label=label,
        title=title,
    )
