from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import kstest
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli

from distaff.likelihoods import ContinuousBernoulli

LIKELY = ContinuousBernoulli(ContinuousBernoulli.Config())
LOGITS = torch.tensor([-50, -20, -3, -0.7, -0.05, 0.3, 1, 8, 20], dtype=torch.float64)


def pixels(values: Any) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float64).reshape(1, 1, 1, -1)


def density(logit: float) -> Any:
    return lambda x: LIKELY.log_prob(pixels([x]), pixels([logit])).exp().item()


def test_density_and_mean_equal_torch_distributions() -> None:
    x = torch.linspace(0, 1, 21, dtype=torch.float64).reshape(21, 1, 1, 1)
    x = x.expand(-1, 1, 1, len(LOGITS))
    theirs = TorchContinuousBernoulli(logits=LOGITS[2:8])
    spread = LOGITS[2:8].expand(21, 1, 1, -1)
    assert torch.allclose(LIKELY.log_prob(x[..., 2:8], spread), theirs.log_prob(x[..., 2:8]))
    assert torch.allclose(LIKELY.mean(spread)[0], theirs.mean)


@pytest.mark.parametrize("logit", [-100.0, -1.0, -0.6, -0.2, -1e-3, 0.0, 1e-9, 0.59, 0.61, 40.0])
def test_density_integrates_to_one_with_the_mean_as_first_moment(logit: float) -> None:
    points = [0, 1] if abs(logit) < 10 else [0, 0.05, 0.5, 0.95, 1]
    parts = list(pairwise(points))
    p = density(logit)
    assert sum(quad(p, *part)[0] for part in parts) == pytest.approx(1, abs=1e-9)
    first = sum(quad(lambda x: x * p(x), *part)[0] for part in parts)
    assert LIKELY.mean(pixels([logit])).item() == pytest.approx(first, abs=1e-9)


def test_the_mean_is_not_the_probability_of_the_logit() -> None:
    mean = LIKELY.mean(pixels([3.0])).item()
    assert mean == pytest.approx(1 / (1 - np.exp(-3)) - 1 / 3)
    assert mean < 1 / (1 + np.exp(-3)) - 0.2


def test_levels_equal_differences_of_the_distribution_function(level_log_probs: Any) -> None:
    edges = np.concatenate([[0], (np.arange(255) + 0.5) / 255, [1]])[:, None]
    logits = LOGITS.numpy()
    truth = np.diff(np.expm1(logits * edges) / np.expm1(logits), axis=0)
    ours = level_log_probs(LIKELY, LOGITS[:, None]).exp().numpy()
    assert ours == pytest.approx(truth, rel=1e-7, abs=1e-14)


@pytest.mark.parametrize("logit", [-40.0, -2.0, 0.0, 1e-8, 2.0, 40.0])
def test_samples_follow_the_distribution_function(logit: float, generator: torch.Generator) -> None:
    drawn = LIKELY.sample(torch.full((20_000, 1, 1, 1), logit, dtype=torch.float64), generator)

    def cdf(x: Any) -> Any:
        return np.expm1(logit * x) / np.expm1(logit) if abs(logit) > 1e-6 else x

    assert kstest(drawn.flatten().numpy(), cdf).pvalue > 1e-3


def test_a_black_pixel_gains_nothing_from_logits_beyond_the_cap() -> None:
    logits = torch.tensor([-2000.0, -1e5], dtype=torch.float64, requires_grad=True)
    log_prob = LIKELY.log_prob(pixels([0, 0]), logits.reshape(1, 1, 1, 2))
    assert log_prob[..., 0].item() == pytest.approx(np.log(2000))
    assert log_prob[..., 1].item() == pytest.approx(np.log(2000))
    (gradient,) = torch.autograd.grad(log_prob.sum(), logits)
    assert gradient[1] == 0
    level = LIKELY.log_prob_of_levels(pixels([0]), pixels([-2000])).exp().item()
    assert level == pytest.approx(1 - np.exp(-2000 / 510))


def test_a_cap_must_be_positive() -> None:
    with pytest.raises(ValueError, match="cap is 0"):
        ContinuousBernoulli.Config(cap=0)
