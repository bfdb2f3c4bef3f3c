from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, logistic

from distaff.likelihoods import DiscretizedLogistic

EDGES = np.concatenate([[-np.inf], (np.arange(255) + 0.5) / 255, [np.inf]])


def scale_output(scale: float, floor: float = 0.001) -> float:
    return float(np.log(np.expm1(scale - floor)))


def outputs_of(*pairs: tuple[float, float]) -> torch.Tensor:
    return torch.tensor([[mean, scale_output(scale)] for mean, scale in pairs], dtype=torch.float64)


@pytest.fixture
def likely() -> Any:
    return DiscretizedLogistic(DiscretizedLogistic.Config())


@pytest.mark.parametrize("mean", [-0.2, 0.0, 0.4, 1.0, 1.5])
@pytest.mark.parametrize("scale", [0.002, 0.01, 0.2, 5.0])
def test_levels_equal_differences_of_scipy_s(
    mean: float, scale: float, likely: Any, level_log_probs: Any
) -> None:
    ours = level_log_probs(likely, outputs_of((mean, scale)))[:, 0].exp().numpy()
    below, above = (
        np.diff(logistic.cdf(EDGES, mean, scale)),
        -np.diff(logistic.sf(EDGES, mean, scale)),
    )
    assert ours == pytest.approx(np.where(EDGES[1:] < mean, below, above), rel=1e-9, abs=1e-14)


def test_far_levels_equal_differences_of_log_tails(likely: Any, level_log_probs: Any) -> None:
    ours = level_log_probs(likely, outputs_of((-10.0, 0.01)))[:, 0].numpy()
    tails = logistic.logsf(EDGES[1:-1], -10, 0.01)
    truth = tails[:-1] + np.log(-np.expm1(tails[1:] - tails[:-1]))
    assert ours[1:-1] == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize(
    ("scale", "near"), [(0.0011, 2e-4), (0.01, 2e-5), (0.1, 2e-6), (3.0, 1e-6)]
)
def test_the_mean_is_that_of_the_levels(
    scale: float, near: float, likely: Any, level_log_probs: Any
) -> None:
    outputs = outputs_of(*((mean, scale) for mean in (-0.5, 0.0, 0.123, 0.5, 0.98, 1.0, 2.0)))
    levels = torch.arange(256, dtype=torch.float64) / 255
    truth = (level_log_probs(likely, outputs).exp() * levels[:, None]).sum(dim=0)
    ours = likely.mean(outputs.T[None, :, None])[0, 0, 0]
    assert torch.allclose(ours, truth, rtol=0, atol=near)


def test_samples_are_levels_with_their_probabilities(
    likely: Any, generator: torch.Generator, level_log_probs: Any
) -> None:
    outputs = outputs_of((0.02, 0.01))
    drawn = likely.sample(outputs.T[None, :, None].repeat(50_000, 1, 1, 1), generator) * 255
    assert torch.allclose(drawn, drawn.round())
    counts = torch.bincount(drawn.round().long().flatten(), minlength=256)[:16]
    expected = 50_000 * level_log_probs(likely, outputs)[:16, 0].exp()
    rest = torch.tensor([50_000 - counts.sum(), 50_000 - expected.sum()])
    assert chisquare([*counts, rest[0]], [*expected, rest[1]], sum_check=False).pvalue > 1e-3


def test_a_pixel_between_two_levels_counts_as_the_nearer(likely: Any) -> None:
    outputs = outputs_of((0.3, 0.05)).T[None, :, None]
    near, level = (torch.full((1, 1, 1, 1), x / 255, dtype=torch.float64) for x in (80.4, 80))
    assert torch.equal(likely.log_prob(near, outputs), likely.log_prob(level, outputs))


def test_a_floor_that_is_not_above_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        DiscretizedLogistic.Config(floor=0.0)
