"""The mean correlation coefficient (MCC) after a linear map, weak identifiability."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Num

from distaff.arrays import Array
from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.mcc import correlations, of_own_latent
from distaff.metrics.prediction.classifiers import outliers
from distaff.metrics.published.compat import check_compat
from distaff.metrics.randomness import stream
from distaff.metrics.score import Active, Score
from distaff.metrics.scoring import Reading

NOTHING = 1e-9
"""Share of the largest singular value below which a direction of the codes has no extent."""


def weak_mcc(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    factor_names: Sequence[str] | None = None,
    factor_kinds: Sequence[str] | None = None,
    active: Active | None = None,
    alignment: str = "affine",
    compat: str | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> Score:
    """Asks whether the factors are some linear map of the latents.

    One random half of the rows fits the map, and the value is the mean correlation coefficient (see
    `mcc`) of what it makes of the other half. Range 0 to 1, best value 1, chance near 0. An
    invertible linear map of the latents, a rotation for one, changes nothing: it asks only whether
    the factors can be read in a line, not whether they lie on latents. A large gap to `mcc` says
    that the code knows the factors and mixes them.

    `alignment` names the map:

    - "affine", the default: each factor's least squares regression on the latents, so that the
      parts say how well each factor is known.
    - "cca": canonical correlation analysis, which maps latents and factors to pairs of most
      correlated directions; the parts are the pairs, of which there are as many as factors. A pair
      that does not exist, since there are fewer latents, counts as 0.

    Factors are taken for ordered. Latents and factors enter as they are and the correlation is
    Pearson's, since ranks would bend the axes of a rotated code; rows that lie far apart are left
    out instead (see `metrics/prediction/classifiers.py`), which the published code does not do. A
    dead latent, one of a single value, is of no use to either map.

    Options:
        factor_kinds: "discrete", "ordinal" or "continuous" for each factor; by default all
            discrete. Of a continuous one the ranks are read.
        alignment: one of those above.

    Parts: |r| of each factor, or of each canonical pair. All else as in `metrics/scoring.py`.

    Raises:
        ValueError: NaN, shapes that do not match, too few rows, no factor with two values, an
            unknown kind or alignment, or any `compat`.

    Reference: Khemakhem, Monti, Kingma, Hyvärinen 2020, "ICE-BeeM: identifiable conditional
    energy-based deep models based on nonlinear ICA", arXiv:2002.11537.
    """
    check_compat(compat, offered=False)
    if alignment not in ALIGNMENTS:
        raise ValueError(f"alignment={alignment!r} is unknown; give {' or '.join(ALIGNMENTS)}")
    data = labelled_codes(codes, factors, factor_names, factor_kinds, active=active, in_order=True)

    def read(codes: Array, labels: Array) -> Reading:
        order = stream(seed, "fitted and scored rows").permutation(len(codes))
        order = order[~outliers(codes)[order]]
        fitted, scored = order[: len(order) // 2], order[len(order) // 2 :]
        aligned = ALIGNMENTS[alignment](codes, labels.astype(np.float64), fitted)
        own = of_own_latent(correlations(*(table[scored] for table in aligned)))
        names = [f"pair {i}" for i in range(len(own))] if alignment == "cca" else data.names
        return Reading(float(own.mean()), dict(zip(names, own.tolist(), strict=True)))

    return data.score(read, estimator=f"Pearson after {alignment}", seed=seed, repeats=repeats)


def _affine(codes: Array, factors: Array, fitted: Array) -> tuple[Array, Array]:
    """Returns the factors as a regression on the fitted rows predicts them, and the factors."""
    inputs = codes - codes[fitted].mean(axis=0)
    whitening = _whitening(inputs[fitted])
    weights = whitening @ ((inputs[fitted] @ whitening).T @ factors[fitted])
    return inputs @ weights, factors


def canonical_variates(codes: Array, factors: Array, fitted: Array) -> tuple[Array, Array]:
    """Returns canonical variates of codes and factors, [sample, pair], fitted on some rows.

    There are as many pairs as factors; those that do not exist are 0 throughout.
    """
    tables = [table - table[fitted].mean(axis=0) for table in (codes, factors)]
    white = [_whitening(table[fitted]) for table in tables]
    of_codes, of_factors = (t[fitted] @ w for t, w in zip(tables, white, strict=True))
    left, _, right = np.linalg.svd(of_codes.T @ of_factors, full_matrices=False)
    result = [tables[0] @ white[0] @ left, tables[1] @ white[1] @ right.T]
    missing = factors.shape[1] - left.shape[1]
    return np.pad(result[0], ((0, 0), (0, missing))), np.pad(result[1], ((0, 0), (0, missing)))


def _whitening(centred: Array) -> Array:
    """Returns W such that the columns of centred @ W are orthonormal, all of its extent kept."""
    spread = np.abs(centred).max(axis=0)
    spread[spread == 0] = 1
    _, values, right = np.linalg.svd(centred / spread, full_matrices=False)
    kept = values > NOTHING * values.max()
    return np.asarray(right[kept].T / values[kept] / spread[:, None])


ALIGNMENTS: Mapping[str, Callable[[Array, Array, Array], tuple[Array, Array]]] = {
    "affine": _affine,
    "cca": canonical_variates,
}
