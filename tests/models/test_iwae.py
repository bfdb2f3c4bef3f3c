import math
from typing import Any

import pytest
import torch
from linear_gaussian import draw_images, linear_model, log_marginal

from distaff.models import IWAE
from distaff.types import Batch


def batch_of(images: Any) -> Any:
    count = len(images)
    return Batch(
        images, torch.zeros(count, 0, dtype=torch.int64), torch.zeros(count, dtype=torch.bool)
    )


def plain_bound(model: Any, images: Any, noise: Any) -> Any:
    """Equation 8 in a loop over images and samples."""
    normal = torch.distributions.Normal
    total = 0.0
    for image, draws in zip(images, noise, strict=True):
        mean, log_std = (part[0] for part in model.encode(image[None]))
        weights = []
        for draw in draws:
            latents = mean + log_std.exp() * draw
            log_p = model.log_likelihood(image[None], latents[None]).sum()
            log_prior = normal(0.0, 1.0).log_prob(latents).sum()
            log_q = normal(mean, log_std.exp()).log_prob(latents).sum()
            weights.append(log_p + log_prior - log_q)
        total = total + torch.stack(weights).logsumexp(dim=0) - math.log(len(draws))  # type: ignore[assignment]
    return total / len(images)


@pytest.mark.parametrize("samples", [1, 3])
def test_bound_and_gradients_are_those_of_a_plain_loop(
    samples: int, generator: torch.Generator
) -> None:
    model = linear_model(kind=IWAE, samples=samples, skew=0.5)
    images = draw_images(model, 4)
    noise = torch.randn(4, samples, 2, generator=generator, dtype=torch.float64)
    loss = model.objective(model.loss_terms(batch_of(images), noise, "vae"), {})
    expected = -plain_bound(model, images, noise)
    parameters = list(model.parameters())
    # posteriors and outputs are float32, whatever the parameters are
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    for given, plain in zip(
        torch.autograd.grad(loss, parameters),
        torch.autograd.grad(expected, parameters),
        strict=True,
    ):
        torch.testing.assert_close(given, plain, rtol=1e-4, atol=1e-5)


def test_with_one_sample_the_bound_is_the_elbo_with_a_sampled_kl(
    generator: torch.Generator,
) -> None:
    model = linear_model(kind=IWAE, samples=1)
    images = draw_images(model, 4).repeat(4000, 1, 1, 1)
    noise = torch.randn(len(images), 1, 2, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        terms = model.loss_terms(batch_of(images), noise, "vae")
    elbo = -(terms["reconstruction"] + terms["kl"]).item()
    assert terms["bound"].item() == pytest.approx(elbo, abs=0.05)


def test_more_samples_give_a_tighter_bound_below_the_marginal_likelihood(
    generator: torch.Generator,
) -> None:
    images = draw_images(linear_model(), 4).repeat(1000, 1, 1, 1)
    bounds = []
    for samples in (1, 5, 50):
        model = linear_model(kind=IWAE, samples=samples)
        noise = model.sample_noise(len(images), generator).double()
        with torch.no_grad():
            bounds.append(model.loss_terms(batch_of(images), noise, "vae")["bound"].item())
    exact = log_marginal(model, images).mean().item()
    assert bounds[0] < bounds[1] < bounds[2] < exact


def test_a_bound_of_no_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="samples is 0; it must be from 1"):
        IWAE.Config(samples=0)
