"""The exclusivity disentanglement index (EDI)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.information.joint import share_told
from distaff.metrics.information.score import check_two_factors, information_tables
from distaff.metrics.information.tables import Table
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.prediction.classifiers import train_and_test_rows
from distaff.metrics.published.compat import check_compat
from distaff.metrics.randomness import stream
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import one_thread


@one_thread()
def edi(
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
    """Asks three things: exclusive latents for factors, exclusive factors for latents, all known.

    With R_ij = I(z_i; v_j) / I(z; v_j), the share of what all latents together tell of factor j,
    and the exclusivity of numbers x_1 to x_n,

        E(x) = max x - sqrt(1 / (n - 1) sum of x_i^2 over the others),

        modularity    mean over factors j of  min(1, sum of E(R_i.) over the latents i that are
                                              about j most)
        compactness   mean over factors j of  E(R_.j)
        explicitness  mean over factors j of  I(z; v_j) / H(v_j)

    the value is the mean of the three; the published code gives the three numbers, each within 0 to
    1. Range 0 to 1, best value 1, chance near 0. Many faint second latents cost compactness less
    than a single strong one, as their root mean square does. Modularity asks, other than most
    scores of that name, that every factor be known; copies cost compactness only, and the less the
    more latents there are.

    I(z_i; v_j) is that of Ross 2014 on normal scores (see
    `metrics/information/mutual_information.py`), 0 where chance explains it (see
    `metrics/information/tables.py`). I(z; v_j) is the largest of these and of what two predictors
    tell of rows they have not seen (see `metrics/information/joint.py`); in the published code a
    neural network estimates it. With one latent its compactness is its share.

    Options:
        repeats: random halves of the rows from which the interval is taken; what all latents
            together tell is that of all rows in each.

    Parts: modularity, compactness and explicitness, and the number of uninformative latents.
    Relation: I(z; v) / H(v), [latent, factor]. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, fewer than two factors with two
            values, an unknown kind or any `compat`.

    Reference: Julka, Wang, Granitzer 2024, "Towards an improved metric for evaluating disentangled
    representations", arXiv:2410.03056, and the code that its authors published.
    """
    check_compat(compat, offered=False)
    tables = information_tables(codes, factors, factor_names, factor_kinds, active, seed, repeats)
    check_two_factors(tables, "edi")
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active)
    shuffled = stream(seed, "shuffled factors").permutation(data.labels)
    together = _told_together(data.codes, data.labels, seed)
    whole = _three(tables.whole, together)
    return tables.result(
        float(np.mean(whole)),
        [float(np.mean(_three(half, together))) for half in tables.halves],
        chance=float(np.mean(_three(tables.shuffled, _told_together(data.codes, shuffled, seed)))),
        # what all factors tell of one is all of it
        ceiling=float(np.mean(_three(tables.ceiling, np.ones(len(together))))),
        parts={
            "modularity": whole[0],
            "compactness": whole[1],
            "explicitness": whole[2],
            "uninformative latents": tables.uninformative,
        },
    )


def _told_together(codes: Array, labels: Array, seed: int) -> Float[np.ndarray, " factor"]:
    """Returns the share of each factor that the better predictor tells, at least 0."""
    rows = train_and_test_rows(codes, None, None, None, seed)
    return np.array([share_told(codes, label, rows, seed) for label in labels.T])


def _three(table: Table, together: Float[np.ndarray, " factor"]) -> tuple[float, float, float]:
    """Returns modularity, compactness and explicitness."""
    known = np.minimum(table.relation, 1)
    most = np.maximum(known.max(axis=0), together)
    # of a factor that no latent surely tells of, even the largest share is one of errors
    share = known / np.where(most > 0, most, 1) * table.known
    exclusive = np.zeros_like(share)
    about = share.argmax(axis=1)
    exclusive[np.arange(len(share)), about] = exclusivity(share, axis=1)
    return (
        float(np.minimum(1, exclusive.sum(axis=0)).mean()),
        float(exclusivity(share, axis=0).mean()),
        float(most.mean()),
    )


def exclusivity(table: Float[np.ndarray, "row column"], axis: int) -> Array:
    """Returns the largest entry along an axis less the root mean square of the others."""
    largest, others = table.max(axis=axis), table.shape[axis] - 1
    if not others:
        return np.asarray(largest)
    rest = np.maximum(0, (table**2).sum(axis=axis) - largest**2)
    return np.asarray(largest - np.sqrt(rest / others))
