import math
from typing import Any

import pytest
import torch
from linear_gaussian import (
    LEFT,
    best_diagonal,
    conditional_model,
    draw_images,
    linear_model,
    log_marginal,
)
from torch.testing import assert_close

from distaff.errors import UsageError
from distaff.inference import bounds
from distaff.inference.bounds import elbo, importance_weighted_bound
from distaff.probability.gaussian import DiagonalGaussian


@pytest.fixture
def model() -> Any:
    return linear_model()


@pytest.fixture
def images(model: Any) -> Any:
    return draw_images(model, 6)


def wider(posterior: Any, factor: Any = 1.5) -> Any:
    return DiagonalGaussian(posterior.mean, posterior.log_std + math.log(factor))


@pytest.mark.parametrize("samples", [1, 7])
def test_the_weighted_bound_of_the_exact_posterior_is_the_marginal_likelihood(
    model: Any, images: Any, samples: int, generator: torch.Generator
) -> None:
    posterior, _ = best_diagonal(model, images)
    bound = importance_weighted_bound(
        model, images, samples=samples, generator=generator, posterior=posterior
    )
    assert_close(bound, log_marginal(model, images), atol=1e-4, rtol=0)


def test_the_weighted_bound_rises_with_its_samples_to_the_marginal_likelihood(
    model: Any, images: Any
) -> None:
    posterior = wider(best_diagonal(model, images)[0])
    many = images.repeat_interleave(300, dim=0)
    wide = posterior.repeat(300)
    exact = log_marginal(model, images).mean().item()
    gaps = []
    for samples in (1, 2, 5, 50):
        generator = torch.Generator().manual_seed(samples)
        bound = importance_weighted_bound(
            model, many, samples=samples, generator=generator, posterior=wide
        )
        gaps.append(exact - bound.mean().item())
    assert gaps[0] > gaps[1] > gaps[2] > gaps[3] > -0.01
    # one sample: KL(q || p) of two latents 1.5 times too wide
    assert gaps[0] == pytest.approx(2 * (0.5 * (1.5**2 - 1) - math.log(1.5)), abs=0.08)
    assert gaps[3] < 0.02


def test_very_many_samples_give_the_marginal_likelihood_even_with_an_untrained_encoder(
    model: Any, images: Any, generator: torch.Generator
) -> None:
    expected = log_marginal(model, images)
    model, images = model.float(), images.float()
    bound = importance_weighted_bound(model, images, samples=20_000, generator=generator)
    assert_close(bound, expected, atol=0.1, rtol=0)


def test_the_weighted_bound_is_the_log_mean_of_plain_weights(
    model: Any, images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a plain loop over the same samples, with portions that do not fit in one call."""
    monkeypatch.setattr(bounds, "ROWS", 4)
    model, images = model.float(), images.float()
    done = []  # type: ignore[var-annotated]
    bound = importance_weighted_bound(
        model,
        images[:2],
        samples=10,
        generator=torch.Generator().manual_seed(3),
        on_images=done.append,
    )
    generator = torch.Generator().manual_seed(3)
    for row in range(2):
        image = images[row : row + 1]
        with torch.no_grad():
            q = model.encode(image)
        normal = torch.distributions.Normal(q.mean, q.log_std.exp())
        weights = []
        for drawn in (4, 4, 2):
            noise = torch.randn(drawn, 2, generator=generator, dtype=q.mean.dtype)
            for latents in q.mean + q.log_std.exp() * noise:
                with torch.no_grad():
                    log_p = model.log_likelihood(image, latents[None]).sum()
                prior = torch.distributions.Normal(0, 1).log_prob(latents).sum()
                weights.append((log_p + prior - normal.log_prob(latents).sum()).exp())
        assert bound[row].item() == pytest.approx(torch.stack(weights).mean().log().item())
    assert done[-1] == 2


def test_the_elbo_falls_short_by_the_kl_to_the_posterior(
    model: Any, images: Any, generator: torch.Generator
) -> None:
    posterior = wider(best_diagonal(model, images)[0])
    bound = elbo(model, images, samples=4000, generator=generator, posterior=posterior)
    gap = 2 * (0.5 * (1.5**2 - 1) - math.log(1.5))
    assert_close(bound, log_marginal(model, images) - gap, atol=0.1, rtol=0)


def test_the_elbo_of_seen_pixels_is_their_marginal_likelihood(
    model: Any, images: Any, generator: torch.Generator
) -> None:
    posterior, _ = best_diagonal(model, images, LEFT)
    for seen in (LEFT, LEFT.expand(images.shape)):
        bound = elbo(
            model, images, samples=4000, generator=generator, posterior=posterior, observed=seen
        )
        assert_close(bound, log_marginal(model, images, LEFT), atol=0.1, rtol=0)


def test_bounds_of_a_conditional_model_are_on_the_likelihood_given_the_context(
    generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images of three values, in portions in which the values mix."""
    monkeypatch.setattr(bounds, "ROWS", 10_000)
    model = conditional_model()
    context = model.context_of([0, 1, 2, 1, 0])
    images = draw_images(model, 5, context)
    posterior, _ = best_diagonal(model, images, context=context)
    exact = log_marginal(model, images, context=context)
    assert (exact - log_marginal(model, images)).abs().max() > 1
    given = {"generator": generator, "context": context}
    plain = elbo(model, images, samples=4000, posterior=posterior, **given)
    assert_close(plain, exact, atol=0.1, rtol=0)
    weighted = importance_weighted_bound(model, images, samples=3, posterior=posterior, **given)
    assert_close(weighted, exact, atol=1e-4, rtol=0)
    seen, _ = best_diagonal(model, images, LEFT, context)
    half = elbo(model, images, samples=4000, posterior=seen, observed=LEFT, **given)
    assert_close(half, log_marginal(model, images, LEFT, context), atol=0.1, rtol=0)
    model, images = model.float(), images.float()
    for function in (elbo, importance_weighted_bound):
        by_encoder, by_hand = (
            function(
                model,
                images,
                samples=3,
                generator=torch.Generator().manual_seed(0),
                context=context,
                posterior=q,
            )
            for q in (None, model.encode(images, context))
        )
        assert_close(by_encoder, by_hand)


def test_another_log_likelihood_takes_the_place_of_the_model_s(model: Any, images: Any) -> None:
    """A pixel twice as likely everywhere: 16 log 2 nats more."""

    def doubled(images: Any, outputs: Any) -> Any:
        return model.likelihood.log_prob(images, outputs) + math.log(2)

    posterior, _ = best_diagonal(model, images)
    for function in (elbo, importance_weighted_bound):
        plain, other = (
            function(
                model,
                images,
                samples=3,
                generator=torch.Generator().manual_seed(0),
                posterior=posterior,
                log_prob=p,
            )
            for p in (None, doubled)
        )
        assert_close(other, plain + 16 * math.log(2))


def test_settings_without_sense_are_refused(
    model: Any, images: Any, generator: torch.Generator
) -> None:
    with pytest.raises(UsageError, match="samples is 0"):
        importance_weighted_bound(model, images, samples=0, generator=generator)
    with pytest.raises(UsageError, match=r"\(3, 1, 4, 4\).*\(6, 1, 4, 4\)"):
        elbo(
            model,
            images,
            samples=1,
            generator=generator,
            observed=torch.ones(3, 1, 4, 4, dtype=torch.bool),
        )
    with pytest.raises(UsageError, match="not conditional"):
        elbo(model, images, samples=1, generator=generator, context=torch.ones(6, 3))
    conditional = conditional_model()
    for function in (elbo, importance_weighted_bound):
        with pytest.raises(UsageError, match=r"give one of \(6, 3\)"):
            function(conditional, images, samples=1, generator=generator, context=torch.ones(6, 2))
