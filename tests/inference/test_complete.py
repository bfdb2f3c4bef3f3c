from typing import Any

import pytest
import torch
from linear_gaussian import (
    LEFT,
    SCALE,
    STD,
    best_diagonal,
    conditional_mean,
    conditional_model,
    draw_images,
    linear_model,
    log_marginal,
)
from torch.testing import assert_close

from distaff.errors import UsageError
from distaff.inference.bounds import elbo, importance_weighted_bound
from distaff.inference.complete import complete, hidden_log_likelihood, mask
from distaff.inference.optimise import infer


@pytest.fixture
def model() -> Any:
    return linear_model()


@pytest.fixture
def images(model: Any) -> Any:
    return draw_images(model, 5)


def log_conditional(model: Any, images: Any) -> Any:
    return log_marginal(model, images) - log_marginal(model, images, LEFT)


def test_of_the_exact_posterior_all_is_as_the_conditional_says(
    model: Any, images: Any, generator: torch.Generator
) -> None:
    posterior, _ = best_diagonal(model, images, LEFT)
    result = complete(
        model,
        images,
        LEFT,
        samples=3000,
        generator=generator,
        posterior=posterior,
        draws=20_000,
    )
    expected = conditional_mean(model, images, LEFT).where(~LEFT, images)
    for pictures in (result.means, result.samples):
        assert_close(pictures.mean(dim=1), expected, atol=0.05 * SCALE, rtol=0, check_dtype=False)
    hidden = model.decoder[0].weight.detach()[~LEFT.flatten()]
    latent = hidden.square() @ posterior.log_std[0].mul(2).exp()
    for pictures, variance in ((result.means, latent), (result.samples, latent + STD**2)):
        spread = pictures[0].flatten(1)[:, ~LEFT.flatten()].var(dim=0)
        assert_close(spread, variance, rtol=0.15, atol=0, check_dtype=False)
    assert_close(result.log_likelihood, log_conditional(model, images), atol=0.1, rtol=0)


def test_the_posterior_is_inferred_from_the_seen_pixels_alone(
    model: Any, images: Any, generator: torch.Generator
) -> None:
    result = complete(model, images, LEFT, samples=2, generator=generator, draws=20_000)
    best, _ = best_diagonal(model, images, LEFT)
    assert_close(result.posterior.mean, best.mean, atol=0.08, rtol=0)
    assert_close(result.log_likelihood, log_conditional(model, images), atol=0.3, rtol=0)


def test_a_conditional_model_completes_as_its_context_says(generator: torch.Generator) -> None:
    model = conditional_model()
    context = model.context_of([0, 1, 2, 2])
    images = draw_images(model, 4, context)
    result = complete(
        model, images, LEFT, samples=250, generator=generator, context=context, draws=20_000
    )
    expected = conditional_mean(model, images, LEFT, context).where(~LEFT, images)
    for pictures in (result.means, result.samples):
        assert_close(pictures.mean(dim=1), expected, atol=0.25, rtol=0, check_dtype=False)
    log_conditional = log_marginal(model, images, context=context) - log_marginal(
        model, images, LEFT, context
    )
    assert_close(result.log_likelihood, log_conditional, atol=0.3, rtol=0)
    with pytest.raises(UsageError, match=r"conditional.*\(4, 3\)"):
        complete(model, images, LEFT, samples=1, generator=generator)


def test_seen_pixels_stay_as_given(model: Any, images: Any, generator: torch.Generator) -> None:
    masks = torch.rand(images.shape, generator=generator) < 0.5
    posterior, _ = best_diagonal(model, images)
    result = complete(
        model, images, masks, samples=3, generator=generator, posterior=posterior, draws=1
    )
    for pictures in (result.means, result.samples):
        assert pictures.shape == (5, 3, 1, 4, 4)
        for one in pictures.unbind(dim=1):
            assert torch.equal(one[masks], images[masks])
            assert not (one == images)[~masks].any()


def test_masks_are_true_where_the_image_is_seen() -> None:
    left, right, top, bottom = (mask(p, (1, 28, 28)) for p in ("left", "right", "top", "bottom"))
    assert left.sum() == 392
    assert left[:, :14].all()
    assert top[:14].all()
    assert torch.equal(right, ~left)
    assert torch.equal(bottom, ~top)
    border = mask("border", (3, 8, 8))
    assert (~border).sum() == 16
    assert not border[2:6, 2:6].any()


def test_random_masks_see_half_and_follow_the_seed() -> None:
    first, again, other = (mask("random", (1, 64, 64), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.float().mean().item() == pytest.approx(0.5, abs=0.03)


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown part 'middle'.*border"):
        mask("middle", (1, 28, 28))


@pytest.mark.parametrize(
    "kind", [torch.uint8, torch.int64, torch.float32, "array", "array of bytes"]
)
def test_masks_of_zeros_and_ones_are_as_those_of_truth_values(
    model: Any, images: Any, kind: str
) -> None:
    posterior, _ = best_diagonal(model, images)
    mask = LEFT.numpy() if isinstance(kind, str) else LEFT.to(kind)
    mask = mask.astype("uint8") if kind == "array of bytes" else mask

    def measured(seen: Any) -> Any:
        g = torch.Generator().manual_seed(0)
        done = complete(model, images, seen, samples=2, generator=g, draws=5, posterior=posterior)
        bound = elbo(model, images, samples=3, generator=g, posterior=posterior, observed=seen)
        found = infer(model, images, observed=seen, generator=g, steps=3).elbo
        hidden = hidden_log_likelihood(model, images, seen, posterior, samples=3, generator=g)
        return done.means, done.log_likelihood, bound, found, hidden

    for given, expected in zip(measured(mask), measured(LEFT), strict=True):
        assert torch.equal(given, expected)


@pytest.mark.parametrize("mask", [255 * LEFT.to(torch.uint8), 0.5 * LEFT, LEFT.int() - 1])
def test_masks_of_other_numbers_are_refused(
    model: Any, images: Any, generator: torch.Generator, mask: Any
) -> None:
    with pytest.raises(UsageError, match=r"observed has values from .*; give True or 1"):
        complete(model, images, mask, samples=2, generator=generator)
    with pytest.raises(UsageError, match="observed has values from"):
        infer(model, images, observed=mask, generator=generator)


def test_pictures_are_completed_as_they_are_read(generator: torch.Generator) -> None:
    model = linear_model().float()
    levels = (255 * draw_images(linear_model(), 3)).round().to(torch.uint8)

    def completed(images: Any) -> Any:
        g = torch.Generator().manual_seed(0)
        done = complete(model, images, LEFT, samples=2, generator=g, draws=5)
        return torch.cat([done.means.flatten(), done.log_likelihood])

    expected = completed(levels / 255)
    assert torch.equal(completed(levels.numpy()), expected)
    assert torch.equal(completed(levels[:, 0].numpy()), expected)
    for ask in (
        lambda: complete(model, levels.float(), LEFT, samples=2, generator=generator),
        lambda: infer(model, levels.float(), generator=generator),
        lambda: elbo(model, levels.float(), samples=2, generator=generator),
        lambda: importance_weighted_bound(model, levels.long(), samples=2, generator=generator),
    ):
        with pytest.raises(UsageError, match="give uint8 from 0 to 255, or numbers from 0 to 1"):
            ask()
