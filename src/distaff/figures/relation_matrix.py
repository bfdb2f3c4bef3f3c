"""How much each latent knows of each factor."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from distaff.figures.house_style import figure_of_height, house_style


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
    with house_style():
        figure = figure_of_height(0.9 + 0.28 * len(relation))
        axes = figure.add_subplot()
        image = axes.imshow(relation, vmin=0, vmax=1, aspect="auto")
        for row, column in np.ndindex(*relation.shape):
            value = relation[row, column]
            colour = "black" if value > 0.6 else "white"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
        axes.set_xticks(range(len(factor_names)), factor_names)
        axes.set_yticks(range(len(latent_names)), latent_names)
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_title(title)
        figure.colorbar(image, ax=axes, label=label)
    return figure
