import math
from itertools import permutations
from typing import Any

import pytest
import torch

from distaff.probability.gaussian import DiagonalGaussian
from distaff.probability.total_correlation import log_aggregate_density, total_correlation


def aggregate(
    generator: torch.Generator, count: Any, correlation: Any, latents: Any = 2, std: Any = 0.3
) -> Any:
    """Posteriors whose means are Gaussian, and the total correlation of their aggregate."""
    covariance = torch.full((latents, latents), correlation, dtype=torch.float64)
    covariance.fill_diagonal_(1.0)
    root = torch.linalg.cholesky(covariance)
    mean = torch.randn(count, latents, generator=generator, dtype=torch.float64) @ root.T
    whole = covariance + std**2 * torch.eye(latents, dtype=torch.float64)
    truth = 0.5 * (whole.diagonal().log().sum() - torch.logdet(whole)).item()
    return DiagonalGaussian(mean, torch.full_like(mean, math.log(std))), truth


def batch_of(posterior: Any, rows: Any, generator: torch.Generator) -> Any:
    part = DiagonalGaussian(posterior.mean[rows], posterior.log_std[rows])
    noise = torch.randn(part.mean.shape, generator=generator, dtype=torch.float64)
    return part, part.sample(noise)


@pytest.fixture
def generator() -> Any:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_the_whole_data_give_the_closed_form_of_a_gaussian(
    generator: torch.Generator, correlation: float
) -> None:
    posterior, truth = aggregate(generator, 4000, correlation)
    _, latents = batch_of(posterior, torch.arange(1500), generator)
    estimate = total_correlation(latents, posterior, image_count=4000, sampling="whole")
    assert estimate.item() == pytest.approx(truth, abs=0.06)


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_stratified_batches_come_near_the_whole_data(
    generator: torch.Generator, correlation: float
) -> None:
    posterior, truth = aggregate(generator, 4000, correlation)
    estimates = []
    for _ in range(20):
        rows = torch.randperm(4000, generator=generator)[:256]
        part, latents = batch_of(posterior, rows, generator)
        estimates.append(total_correlation(latents, part, image_count=4000).item())
    assert sum(estimates) / 20 == pytest.approx(truth, abs=0.08)


def test_ten_independent_latents_have_little_total_correlation(generator: torch.Generator) -> None:
    """Weights in the first column instead of on the diagonal give nearly three times as much."""
    posterior, _ = aggregate(generator, 20_000, 0.0, latents=10, std=0.5)
    _, latents = batch_of(posterior, torch.arange(60), generator)
    whole = total_correlation(latents, posterior, image_count=20_000, sampling="whole").item()
    estimates = []
    for _ in range(20):
        rows = torch.randperm(20_000, generator=generator)[:64]
        part, latents = batch_of(posterior, rows, generator)
        estimates.append(total_correlation(latents, part, image_count=20_000).item())
    assert sum(estimates) / 20 == pytest.approx(whole, abs=1.0)


def test_stratified_weights_are_right_on_average_over_all_choices_of_the_others(
    generator: torch.Generator,
) -> None:
    """The mean of the estimated density over every batch is the density of the whole data."""
    posterior, _ = aggregate(generator, 5, 0.5)
    latent = torch.tensor([[0.3, -0.2]], dtype=torch.float64)
    densities = []
    for others in permutations(range(1, 5), 2):
        rows = torch.tensor([0, *others])
        part = DiagonalGaussian(posterior.mean[rows], posterior.log_std[rows])
        joint, marginal = log_aggregate_density(latent.expand(3, 2), part, image_count=5)
        densities.append(torch.cat([joint[:1], marginal[0]]).exp())
    joint, marginal = log_aggregate_density(latent, posterior, image_count=5, sampling="whole")
    expected = torch.cat([joint, marginal[0]]).exp()
    assert torch.allclose(torch.stack(densities).mean(dim=0), expected)


@pytest.mark.parametrize("sampling", ["stratified", "weighted"])
def test_densities_equal_a_plain_sum(generator: torch.Generator, sampling: str) -> None:
    posterior, _ = aggregate(generator, 4, 0.5)
    latents = posterior.sample(torch.randn(4, 2, generator=generator, dtype=torch.float64))
    joint, marginal = log_aggregate_density(latents, posterior, image_count=10, sampling=sampling)  # type: ignore[arg-type]
    normal = torch.distributions.Normal(posterior.mean, posterior.log_std.exp())
    for i in range(4):
        density = normal.log_prob(latents[i]).exp()
        if sampling == "weighted":
            weights = [1 / 40] * 4
        else:
            weights = [1 / 3] * 4
            weights[i] = 1 / 10
            weights[(i + 1) % 4] = (10 - 3) / (10 * 3)
            assert sum(weights) == pytest.approx(1)
        weights = torch.tensor(weights, dtype=torch.float64)  # type: ignore[assignment]
        assert joint[i].exp().item() == pytest.approx((weights * density.prod(dim=1)).sum().item())
        assert torch.allclose(marginal[i].exp(), weights @ density)


def test_gradients_reach_the_posterior(generator: torch.Generator) -> None:
    posterior, _ = aggregate(generator, 8, 0.5)
    mean = posterior.mean.float().requires_grad_()
    log_std = posterior.log_std.float().requires_grad_()
    given = DiagonalGaussian(mean, log_std)
    latents = given.sample(torch.randn(8, 2, generator=generator))
    total_correlation(latents, given, image_count=100).backward()
    assert mean.grad.abs().sum() > 0
    assert log_std.grad.abs().sum() > 0


def test_batches_that_cannot_be_weighted_are_refused(generator: torch.Generator) -> None:
    posterior, _ = aggregate(generator, 8, 0.5)
    with pytest.raises(ValueError, match="out of 4 images"):
        total_correlation(posterior.mean, posterior, image_count=4)
    with pytest.raises(ValueError, match="all 9"):
        total_correlation(posterior.mean, posterior, image_count=9, sampling="whole")
