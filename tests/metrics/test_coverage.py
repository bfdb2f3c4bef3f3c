"""Intervals hold the mean of a score over data sets as often as they say."""

from functools import cache

import numpy as np
import pytest
from information_codes import (
    both_kinds,
    correlated,
    mixed_beside_noise,
    noisy_discrete,
    often_wrong,
)
from scipy.stats import binom

from distaff.metrics import (
    dci_mig,
    info_mec,
    jemmig,
    mig_sup,
    modularity,
    mutual_information_gap,
    pairwise_mutual_information,
)

ROWS, DATA_SETS = 1000, 40
NEGLIGIBLE = 0.001
"""An interval this far off is right: at the end of the range it has next to no width."""


@cache
def intervals(metric, code):
    """The value and the ends of the interval for each data set, [data set, 3]."""
    scores = []
    for seed in range(DATA_SETS):
        codes, factors, kinds = code(ROWS, seed)
        declared = {} if metric is pairwise_mutual_information else {"factor_kinds": kinds}
        score = metric(codes, factors, **declared)
        scores.append((score.value, *score.interval))
    return np.array(scores)


def least(repetitions, share=0.925):
    """As many as an interval that covers 92.5 % reaches in 999 cases of 1,000."""
    return binom.ppf(0.001, repetitions, share)


def covered(metric, code):
    """How many intervals hold the mean value."""
    value, low, high = intervals(metric, code).T
    mean = value.mean()
    return ((low - NEGLIGIBLE <= mean) & (mean <= high + NEGLIGIBLE)).sum()


@pytest.mark.slow
@pytest.mark.parametrize(
    "metric",
    [
        mutual_information_gap,
        mig_sup,
        jemmig,
        dci_mig,
        modularity,
        info_mec,
        pairwise_mutual_information,
    ],
    ids=lambda metric: metric.__name__,
)
@pytest.mark.parametrize(
    "code", [noisy_discrete, often_wrong, mixed_beside_noise, both_kinds, correlated]
)
def test_an_interval_holds_the_mean_score(metric, code):
    assert covered(metric, code) >= least(DATA_SETS)
    value, low, high = intervals(metric, code).T
    # and is not far wider than it needs to be: Student's t for 20 halves is 2.09 deviations
    assert (high - low).mean() < 2 * 2.09 * 1.6 * value.std() + 0.005
