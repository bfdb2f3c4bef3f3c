"""The joint-entropy-minus-mutual-information gap (JEMMIG)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.information.score import information_tables, second_largest
from distaff.metrics.information.tables import Table
from distaff.metrics.published.compat import check_compat
from distaff.metrics.score import Active, Score


def jemmig(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> Score:
    """Asks whether each factor is known to one latent that knows nothing else.

    For each factor v, of which z_1st and z_2nd tell most,

        JEMMIG(v) = H(z_1st, v) - I(z_1st; v) + I(z_2nd; v)    in nats, 0 is best,

    and the value is the mean over the factors of the normalised form

        1 - JEMMIG(v) / (H(v) + log 100),

    for which higher is better: range 0 to 1, best value 1. Beside the gap it asks what the mutual
    information gap does not: a latent that knows more than its factor, be it another factor or the
    noise of an encoder, is charged for the surplus. A continuous latent that tells a factor of few
    values perfectly is therefore far from 1: 2 H(v) / (H(v) + log 100).

    H(z, v) is H(z) + H(v) - I(z; v), where H(z) is that of a latent of which 100 cells of equal
    frequency can be told apart (see `resolved_entropy` in
    `metrics/information/mutual_information.py`): its own where it has few values, log 100 where it
    is continuous. A hundred, whatever the number of rows, so that the score has a limit, and so
    that a code of 40 values loses nothing; no more of a factor is asked and no more information
    counted than that. So continuous factors, which have no entropy of their own, have log 100, and
    Gaussian ones of correlation 0.9 score 0.83 / log 100 = 0.18. The published code cuts latents
    into cells of equal width.

    Each estimate of information is weighed by the evidence that it is more than chance, and so is
    the normalised form of each factor, with the evidence of its z_1st (see
    `metrics/information/evidence.py`): the formula would else reward latents that tell nothing, but
    have little entropy. Chance is near 0. A code of one latent has nothing in the second place,
    which counts as 0.

    Parts: the normalised form for each factor. Relation: I(z; v) / H(v), [latent, factor]. All else
    as in `metrics/scoring.py`.

    Reference: Do, Tran 2020, "Theory and evaluation metrics for learning disentangled
    representations", ICLR, arXiv:1908.09961.
    """
    check_compat(compat, offered=False)
    tables = information_tables(codes, factors, factor_names, factor_kinds, active, seed, repeats)
    parts = dict(zip(tables.names, _normalized(tables.whole).tolist(), strict=True))
    return tables.score(lambda table: float(_normalized(table).mean()), parts)


def _normalized(table: Table) -> Array:
    first = table.information.argmax(axis=0)
    latent_entropy = table.latent_entropy[first]
    factor_entropy = np.minimum(table.entropy, table.most_latent_entropy)
    known = np.minimum(table.information.max(axis=0), np.minimum(latent_entropy, factor_entropy))
    joint_entropy = latent_entropy + factor_entropy - known
    gap = joint_entropy - known + np.minimum(second_largest(table.information, axis=0), known)
    normalized = np.clip(1 - gap / (factor_entropy + table.most_latent_entropy), 0, 1)
    return np.asarray(normalized * np.take_along_axis(table.evidence, first[None], axis=0)[0])
