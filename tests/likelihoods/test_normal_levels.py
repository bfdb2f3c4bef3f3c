from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import norm

from distaff.likelihoods import Gaussian

EDGES = (np.arange(255) + 0.5) / 255


def levels_of(std: Any, mean: Any, level_log_probs: Any) -> Any:
    outputs = torch.tensor([[mean]], dtype=torch.float64)
    return level_log_probs(Gaussian(Gaussian.Config(std=std)), outputs)[:, 0].numpy()


@pytest.mark.parametrize("std", [1e-4, 1e-3, 0.003, 0.01, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("mean", [0.0, 0.3, 128 / 255, 1.0])
def test_levels_equal_differences_of_the_distribution_function(
    std: float, mean: Any, level_log_probs: Any
) -> None:
    edges = np.concatenate([[-np.inf], EDGES, [np.inf]])
    below, above = np.diff(norm.cdf(edges, mean, std)), -np.diff(norm.sf(edges, mean, std))
    truth = np.where(edges[1:] < mean, below, above)
    ours = np.exp(levels_of(std, mean, level_log_probs))
    assert ours == pytest.approx(truth, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    ("std", "mean"), [(0.01, -1.0), (0.01, -100.0), (0.1, -30.0), (1e-4, -5.0)]
)
def test_far_levels_equal_differences_of_log_tails(
    std: float, mean: float, level_log_probs: Any
) -> None:
    tails = norm.logsf(EDGES, mean, std)
    truth = tails[:-1] + np.log(-np.expm1(tails[1:] - tails[:-1]))
    ours = levels_of(std, mean, level_log_probs)
    assert ours[1:-1] == pytest.approx(truth, rel=1e-9)
    assert ours[-1] == pytest.approx(tails[-1], rel=1e-12)


def test_a_far_mean_mirrored_gives_the_mirrored_levels(level_log_probs: Any) -> None:
    low, high = (levels_of(0.01, mean, level_log_probs) for mean in (-20.0, 21.0))
    assert low == pytest.approx(high[::-1], rel=1e-9)


def test_a_wide_density_is_flat_over_a_cell(level_log_probs: Any) -> None:
    ours = levels_of(50.0, 400.0, level_log_probs)
    truth = norm.logpdf(np.arange(256) / 255, 400, 50) - np.log(255)
    assert ours[1:-1] == pytest.approx(truth[1:-1], rel=1e-9)
