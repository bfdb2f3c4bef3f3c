"""The loss of a linear probe, which asks whether the factors can be read in a line."""

import warnings

import numpy as np
from jaxtyping import Bool, Float, Num
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression

from distaff.arrays import Array
from distaff.metrics.randomness import stream

ITERATIONS = 100
TAIL = 0.005
"""Share of the rows at each end of a latent that the probe sees at the end of the others."""


def probe_losses(
    codes: Float[np.ndarray, "sample latent"],
    factors: Num[np.ndarray, "sample factor"],
    *,
    continuous: Bool[np.ndarray, " factor"],
    seed: int,
) -> Float[np.ndarray, "sample factor 2"]:
    """Returns the loss of the probe and that of no latents in each row, NaN in the rows of the fit.

    In nats for a discrete factor, of a logistic regression without penalty; the square of the error
    for a continuous one, of least squares. Both see the latents standardised, the outermost 0.5 %
    on each side drawn in, and are fitted on a random half of the rows.

    Args:
        codes: latents.
        factors: factors, a continuous one by its values.
        continuous: which factors are continuous.
        seed: of the halves.
    """
    low, high = np.quantile(codes, [TAIL, 1 - TAIL], axis=0)
    drawn_in = np.clip(codes, low, high)
    spread = drawn_in.std(axis=0)
    standardized = (drawn_in - drawn_in.mean(axis=0)) / np.where(spread > 0, spread, 1)
    order = stream(seed, "halves of the probe").permutation(len(codes))
    return np.stack(
        [
            (_squared_errors if numeric else _nats)(standardized, factor, order)
            for factor, numeric in zip(factors.T, continuous, strict=True)
        ],
        axis=1,
    )


def _squared_errors(codes: Array, factor: Array, order: Array) -> Float[np.ndarray, "sample 2"]:
    fitted, scored = order[::2], order[1::2]
    probe = LinearRegression().fit(codes[fitted], factor[fitted])
    losses = np.full((len(codes), 2), np.nan)
    losses[scored, 0] = (factor[scored] - probe.predict(codes[scored])) ** 2
    losses[scored, 1] = (factor[scored] - factor[fitted].mean()) ** 2
    return losses


def _nats(codes: Array, factor: Array, order: Array) -> Float[np.ndarray, "sample 2"]:
    # every second row of those with the same value, so that each value is fitted and scored
    by_value = order[np.argsort(factor[order], kind="stable")]
    fitted, scored = by_value[::2], by_value[1::2]
    values, counts = np.unique(factor[fitted], return_counts=True)
    scored = scored[np.isin(factor[scored], values)]
    index = np.searchsorted(values, factor[scored])
    log_share = np.broadcast_to(np.log(counts / len(fitted)), (len(scored), len(values)))
    # latents without spread leave nothing to fit, and a fit of 100 iterations is not exact
    seen = _logistic(codes[fitted], factor[fitted], codes[scored]) if codes.any() else log_share
    # a rest of 1 / rows for what no latents would say, so that no row outweighs all others
    rest = 1 / len(fitted)
    log_probability = np.logaddexp(seen + np.log1p(-rest), log_share + np.log(rest))
    rows, losses = np.arange(len(scored)), np.full((len(codes), 2), np.nan)
    losses[scored, 0] = -log_probability[rows, index]
    losses[scored, 1] = -log_share[rows, index]
    return losses


def _logistic(codes: Array, factor: Array, others: Array) -> Float[np.ndarray, "row value"]:
    """Log probabilities of the values in other rows."""
    probe = LogisticRegression(C=np.inf, max_iter=ITERATIONS)
    with warnings.catch_warnings():
        # the published probe stops there too
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(codes, factor)
    decision = probe.decision_function(others).reshape(len(others), -1)
    if decision.shape[1] == 1:
        decision = np.c_[np.zeros(len(others)), decision]
    return np.asarray(log_softmax(decision, axis=1))
