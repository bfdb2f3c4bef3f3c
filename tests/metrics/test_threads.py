from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from distaff.metrics.labelled_codes import labelled_codes
from distaff.metrics.scoring import Reading


def threads() -> Any:
    return {pool["num_threads"] for pool in threadpool_info()}


def test_a_score_is_computed_with_one_thread_and_leaves_the_others_as_they_were() -> None:
    codes = np.random.default_rng(0).normal(size=(200, 2))
    factors = np.random.default_rng(1).integers(0, 3, size=(200, 2))
    seen = []

    def judge(codes: Any, labels: Any) -> Any:  # noqa: ARG001
        seen.append(threads())
        return Reading(value=0.0, parts={})

    with threadpool_limits(2):
        labelled_codes(codes, factors, None).score(judge, estimator="", seed=0, repeats=2)
        assert threads() == {2}
    assert seen == [{1}] * 5  # value, two halves, chance and ceiling
