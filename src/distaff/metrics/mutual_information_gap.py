"""The mutual information gap (MIG)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from distaff.metrics.arrays import checked
from distaff.metrics.information import NEIGHBOURS, entropy, mutual_information
from distaff.metrics.resampling import interval_of_halves
from distaff.score import Array, Score


def mutual_information_gap(
    codes: Float[np.ndarray, "sample latent"],
    factors: Int[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    repeats: int = 20,
    seed: int = 0,
) -> Score:
    """Asks whether each factor is known to one latent and to no second one.

    For each factor v the gap between the two latents that tell most about it,

        (I(z_1st; v) - I(z_2nd; v)) / H(v),

    averaged over the factors. Range 0 to 1, best value 1. A code of one latent has nothing in the
    second place, which counts as 0. A factor that has one value only is left out.

    It differs from the published code in that latents are not cut into bins: the estimator is that
    of Ross 2014 on normal scores (see `metrics/information.py`).

    Args:
        codes: the representation of each image, for a VAE its posterior mean.
        factors: index of the value of each factor.
        factor_names: for the names of the parts; by default `factor 0` and so on.
        repeats: random halves of the rows from which the interval is taken.
        seed: of the halves, the shuffling, and the noise between equal values.

    Returns:
        Value with 95 % interval; the gap of each factor as parts; chance from shuffled factors;
        ceiling from the factors as codes; relation I(z; v) / H(v), [latent, factor], with a column
        of zeros for a factor that was left out.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, or no factor with two values.

    Reference: Chen, Li, Grosse, Duvenaud 2018, "Isolating sources of disentanglement in VAEs",
    arXiv:1802.04942, equation 6.
    """
    codes, factors, varying, names = checked(codes, factors, factor_names)
    used = factors[:, varying]
    relation = np.zeros((codes.shape[1], factors.shape[1]))
    relation[:, varying] = _normalized_information(codes, used, seed)
    gaps = _gaps(relation[:, varying])
    shuffled = np.random.default_rng(seed).permutation(used)

    def value(rows: Array) -> float:
        return float(_gaps(_normalized_information(codes[rows], used[rows], seed)).mean())

    return Score(
        value=float(gaps.mean()),
        interval=interval_of_halves(value, float(gaps.mean()), len(codes), repeats, seed),
        chance=float(_gaps(_normalized_information(codes, shuffled, seed)).mean()),
        ceiling=float(_gaps(_normalized_information(used.astype(float), used, seed)).mean()),
        estimator=f"Ross 2014 on normal scores, {NEIGHBOURS} neighbours, {len(codes)} images",
        parts=dict(zip(names, gaps.tolist(), strict=True)),
        relation=relation,
    )


def _normalized_information(codes: Array, factors: Array, seed: int) -> Array:
    return np.asarray(mutual_information(codes, factors, seed=seed) / entropy(factors))


def _gaps(relation: Array) -> Array:
    ordered = np.sort(relation, axis=0)[::-1]
    return np.asarray(ordered[0] - (ordered[1] if len(ordered) > 1 else 0.0))
