"""Intervals hold the mean of a score over data sets as often as they say."""

from functools import cache
from typing import Any

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

ROWS, DATA_SETS = 1000, 30
NEGLIGIBLE = 0.001
"""An interval this far off is right: at the end of the range it has next to no width."""
OF_FACTORS = (mutual_information_gap, mig_sup, jemmig, dci_mig, modularity, info_mec)
OF_LATENTS = (pairwise_mutual_information,)
CODES = (noisy_discrete, often_wrong, mixed_beside_noise, both_kinds, correlated)


@cache
def intervals(code: Any) -> Any:
    """For each score the value and the ends of the interval of each data set, [data set, 3]."""
    found = {metric: [] for metric in (*OF_FACTORS, *OF_LATENTS)}  # type: ignore[var-annotated]
    for seed in range(DATA_SETS):
        codes, factors, kinds = code(ROWS, seed)
        # one data set after the other: the scores of factors share their tables
        for metric, scores in found.items():
            declared = {"factor_kinds": kinds} if metric in OF_FACTORS else {}
            score = metric(codes, factors, **declared)
            scores.append((score.value, *score.interval))  # type: ignore[misc]
    return {metric: np.array(scores) for metric, scores in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("metric", [*OF_FACTORS, *OF_LATENTS], ids=lambda metric: metric.__name__)
@pytest.mark.parametrize("code", CODES)
def test_an_interval_holds_the_mean_score(metric: Any, code: Any) -> None:
    value, low, high = intervals(code)[metric].T
    mean = value.mean()
    covered = ((low - NEGLIGIBLE <= mean) & (mean <= high + NEGLIGIBLE)).sum()
    # as many as intervals that cover 92.5 % reach in 999 cases of 1,000
    assert covered >= binom.ppf(0.001, DATA_SETS, 0.925)
    # and no wider than need be: Student's t of 20 halves is 2.09 standard errors on each side
    assert (high - low).mean() < 2 * 2.09 * 1.6 * value.std() + 0.005
