"""Noise that no one would see changes no score: near ties are taken for ties."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from distaff.metrics import (
    beta_vae_score,
    dci,
    dci_es,
    downstream_accuracy,
    explicitness,
    factor_vae_score,
    gaussian_total_correlation,
    interventional_robustness,
    partition_score,
    sap,
    wasserstein_correlation,
)

ROWS = 2_000
METRICS = (
    beta_vae_score,
    dci,
    dci_es,
    downstream_accuracy,
    explicitness,
    factor_vae_score,
    gaussian_total_correlation,
    interventional_robustness,
    partition_score,
    sap,
    wasserstein_correlation,
)


def exact_code() -> Any:
    """Codes of 3 and of 40 values, of a rare one, and of 0 in six rows of ten; their factors.

    A fifth latent of noise keeps rows apart, of which repeats would be left out.
    """
    generator = np.random.default_rng(0)
    factors = generator.integers(0, (3, 40, 20, 5), size=(ROWS, 4))
    factors[:, 2] = factors[:, 2] == 0
    codes = factors.astype(float)
    codes[:, 3] = np.maximum(0, codes[:, 3] - 2) * generator.uniform(0.8, 1.2, size=ROWS)
    return np.column_stack([codes, generator.normal(size=ROWS)]), factors


def value(metric: Any, codes: Any, factors: Any) -> Any:
    if metric is partition_score:
        return metric(codes[:, :4], factors, repeats=0).value / 50
    return metric(codes, factors, repeats=0).value


@cache
def exact_value(metric: Any) -> Any:
    return value(metric, *exact_code())


@pytest.mark.parametrize("noise", [1e-12, 1e-9, 1e-6])
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.__name__)
def test_a_breath_of_noise_changes_no_score(metric: Any, noise: float) -> None:
    codes, factors = exact_code()
    blurred = codes + noise * np.random.default_rng(1).normal(size=codes.shape)
    assert value(metric, blurred, factors) == pytest.approx(exact_value(metric), abs=0.02)
