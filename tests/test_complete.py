import pytest
import torch
from linear_gaussian import (
    LEFT,
    STD,
    best_diagonal,
    conditional_mean,
    conditional_model,
    draw_images,
    linear_model,
    log_marginal,
)
from torch.testing import assert_close

from distaff.complete import complete, mask
from distaff.errors import UsageError


@pytest.fixture
def model():
    return linear_model()


@pytest.fixture
def images(model):
    return draw_images(model, 5)


def log_conditional(model, images):
    return log_marginal(model, images) - log_marginal(model, images, LEFT)


def test_of_the_exact_posterior_all_is_as_the_conditional_says(model, images, generator):
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
        assert_close(pictures.mean(dim=1), expected, atol=0.05, rtol=0, check_dtype=False)
    hidden = model.decoder[0].weight.detach()[~LEFT.flatten()]
    latent = hidden.square() @ posterior.log_std[0].mul(2).exp()
    for pictures, variance in ((result.means, latent), (result.samples, latent + STD**2)):
        spread = pictures[0].flatten(1)[:, ~LEFT.flatten()].var(dim=0)
        assert_close(spread, variance, rtol=0.15, atol=0, check_dtype=False)
    assert_close(result.log_likelihood, log_conditional(model, images), atol=0.1, rtol=0)


def test_the_posterior_is_inferred_from_the_seen_pixels_alone(model, images, generator):
    result = complete(model, images, LEFT, samples=2, generator=generator, draws=20_000)
    best, _ = best_diagonal(model, images, LEFT)
    assert_close(result.posterior.mean, best.mean, atol=0.08, rtol=0)
    assert_close(result.log_likelihood, log_conditional(model, images), atol=0.3, rtol=0)


def test_a_conditional_model_completes_as_its_context_says(generator):
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


def test_seen_pixels_stay_as_given(model, images, generator):
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


def test_masks_are_true_where_the_image_is_seen():
    left, right, top, bottom = (mask(p, (1, 28, 28)) for p in ("left", "right", "top", "bottom"))
    assert left.sum() == 392
    assert left[:, :14].all()
    assert top[:14].all()
    assert torch.equal(right, ~left)
    assert torch.equal(bottom, ~top)
    border = mask("border", (3, 8, 8))
    assert (~border).sum() == 16
    assert not border[2:6, 2:6].any()


def test_random_masks_see_half_and_follow_the_seed():
    first, again, other = (mask("random", (1, 64, 64), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.float().mean().item() == pytest.approx(0.5, abs=0.03)


def test_an_unknown_part_is_refused():
    with pytest.raises(UsageError, match=r"unknown part 'middle'.*border"):
        mask("middle", (1, 28, 28))
