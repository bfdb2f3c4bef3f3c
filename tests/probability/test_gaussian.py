import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from torch.distributions import Normal, kl_divergence

from distaff.probability.gaussian import DiagonalGaussian

means = st.floats(-5, 5)
log_stds = st.floats(-4, 2)


def one(mean: float, log_std: float) -> DiagonalGaussian:
    return DiagonalGaussian(
        torch.tensor([[mean]], dtype=torch.float64), torch.tensor([[log_std]], dtype=torch.float64)
    )


@given(means, log_stds)
def test_kl_equals_torch_distributions(mean: Any, log_std: Any) -> None:
    kl = one(mean, log_std).kl_to_standard_normal().item()
    truth = kl_divergence(Normal(mean, math.exp(log_std)), Normal(0.0, 1.0)).item()
    assert kl == pytest.approx(truth, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("mean", "log_std"), [(0.0, 0.0), (1.5, -1.0), (-2.0, 0.5)])
def test_kl_equals_numerical_integration(mean: float, log_std: float) -> None:
    posterior, prior = one(mean, log_std), one(0.0, 0.0)

    def integrand(z: float) -> float:
        latent = torch.tensor([[z]], dtype=torch.float64)
        log_q, log_p = posterior.log_prob(latent).item(), prior.log_prob(latent).item()
        return math.exp(log_q) * (log_q - log_p)

    integral, _ = quad(integrand, mean - 12, mean + 12, limit=200)
    assert posterior.kl_to_standard_normal().item() == pytest.approx(integral, abs=1e-7)


@given(means, log_stds, st.floats(-8, 8))
def test_log_prob_equals_torch_distributions(mean: Any, log_std: Any, value: Any) -> None:
    latent = torch.tensor([[value]], dtype=torch.float64)
    truth = Normal(torch.tensor(mean, dtype=torch.float64), math.exp(log_std)).log_prob(latent)
    assert torch.allclose(one(mean, log_std).log_prob(latent), truth, rtol=1e-9)


def test_sample_has_the_posterior_s_moments(generator: torch.Generator) -> None:
    noise = torch.randn(100_000, 1, generator=generator, dtype=torch.float64)
    posterior = DiagonalGaussian(torch.full_like(noise, 2.0), torch.full_like(noise, math.log(0.3)))
    latents = posterior.sample(noise)
    assert latents.mean().item() == pytest.approx(2.0, abs=0.005)
    assert latents.std().item() == pytest.approx(0.3, abs=0.005)
