"""What the gaps for dependent factors share: the latent of each factor, and what factors tell."""

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from distaff.arrays import Array
from distaff.metrics.information.score import InformationTables
from distaff.metrics.information.tables import Table

LEAST_OF_ITS_OWN = 0.01
"""Share of the entropy of a factor that another one must leave open, so that both can be told
apart."""


def own_latents(table: Table) -> Int[np.ndarray, " factor"]:
    """Returns the latent of each factor, -1 for none: the assignment with the largest shares.

    No latent has two factors, and the sum of I(z; v) / H(v) is the largest there is.
    """
    latents, factors = linear_sum_assignment(table.relation, maximize=True)
    result = np.full(table.relation.shape[1], -1)
    result[factors] = latents
    return result


def own_information(table: Table) -> Float[np.ndarray, " factor"]:
    """Returns I(z; v) / H(v) of each factor with its own latent, 0 for a factor that has none."""
    own = own_latents(table)
    return np.where(own >= 0, table.relation[own, np.arange(len(own))], 0.0)


def left_open(tables: InformationTables) -> Float[np.ndarray, "given factor"]:
    """Returns H(v | w) / H(v), the share of factor v, in columns, that w leaves open, 1 for itself.

    Raises:
        ValueError: one factor decides another.
    """
    share: Array = 1 - tables.ceiling.relation
    np.fill_diagonal(share, 1)
    given, factor = np.unravel_index(share.argmin(), share.shape)
    if share[given, factor] < LEAST_OF_ITS_OWN:
        raise ValueError(
            f"{tables.names[given]} decides {tables.names[factor]}, so that no latent can know it "
            f"alone; leave one of them out"
        )
    return share
