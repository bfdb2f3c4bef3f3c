from typing import Any

import pytest
import torch
from linear_gaussian import (
    LEFT,
    SCALE,
    best_diagonal,
    conditional_model,
    draw_images,
    kl_to_posterior,
    linear_model,
    log_marginal,
)
from torch.testing import assert_close

from distaff.data import load
from distaff.errors import UsageError
from distaff.inference.bounds import elbo
from distaff.inference.optimise import infer
from distaff.models import VAE, build
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.training import Training
from distaff.training.trainer import fit
from distaff.types import DataSpec


def seeded(seed: int = 0) -> Any:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("skew", [0.0, 0.8])
@pytest.mark.parametrize("seen", [None, LEFT])
class TestTheBestDiagonalPosterior:
    def test_is_found_to_hundredths_of_a_nat(self, skew: float, seen: Any) -> None:
        model = linear_model(skew=skew)
        images = draw_images(model, 20)
        found = infer(model, images, observed=seen, generator=seeded())
        bound = elbo(
            model,
            images,
            samples=2000,
            generator=seeded(1),
            posterior=found.posterior,
            observed=seen,
        )
        exact = log_marginal(model, images, seen) - best_diagonal(model, images, seen)[1]
        assert found.converged.all()
        assert (bound - exact).mean().item() == pytest.approx(0, abs=0.04)
        assert_close(found.elbo, exact, atol=0.3, rtol=0)
        falls_short = kl_to_posterior(model, images, found.posterior, seen)
        assert_close(found.elbo, log_marginal(model, images, seen) - falls_short, atol=1e-5, rtol=0)

    def test_is_found_as_closely_as_is_asked_for(self, skew: float, seen: Any) -> None:
        model = linear_model(skew=skew)
        images = draw_images(model, 20)
        found = infer(
            model, images, observed=seen, generator=seeded(), samples=16, minimal_gain=1e-4
        )
        best, _ = best_diagonal(model, images, seen)
        assert ((found.posterior.mean - best.mean).abs() < 0.1 * best.log_std.exp()).all()
        assert_close(found.posterior.log_std, best.log_std, atol=0.08, rtol=0)


@pytest.mark.parametrize("latents", [2, 10, 30])
def test_the_bound_is_that_of_the_posterior_for_every_image_and_seed(latents: int) -> None:
    model = linear_model(latents=latents)
    images = draw_images(model, 8)
    marginal = log_marginal(model, images)
    for seed in range(10):
        found = infer(model, images, generator=seeded(seed), steps=100)
        exact = marginal - kl_to_posterior(model, images, found.posterior)
        assert_close(found.elbo, exact, atol=1e-5, rtol=0)
        assert (found.elbo < marginal + 1e-5).all()


def test_the_bound_of_another_decoder_has_errors_that_are_independent_between_images() -> None:
    """Against a plain mean over 20,000 draws: the mean difference is as its spread says."""
    nets: dict[str, Any] = {"encoder": DenseEncoder.Config(hidden=(8,))}
    config = VAE.Config(latents=6, decoder=DenseDecoder.Config(hidden=(32,)), **nets)
    model: Any = build(config, DataSpec((1, 8, 8), (), 10), seed=0)
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(4)
    images = (
        torch.from_numpy(model.sample(40, seed=3)) > torch.rand(40, 1, 8, 8, generator=seeded())
    ).float()
    for seed in range(3):
        found = infer(model, images, generator=seeded(seed), steps=200)
        plain = elbo(model, images, samples=20_000, generator=seeded(9), posterior=found.posterior)
        errors = found.elbo - plain
        assert errors.std().item() < 0.3
        assert errors.mean().item() == pytest.approx(0, abs=3.5 * errors.std().item() / 40**0.5)
    backwards = infer(model, images.flip(0), generator=seeded(seed), steps=200)
    assert_close(backwards.elbo.flip(0), found.elbo, atol=0.01, rtol=0)


def test_a_conditional_model_s_posterior_is_the_one_given_the_context() -> None:
    model = conditional_model(skew=0.5)
    context = model.context_of([0, 1, 2] * 3)
    images = draw_images(model, 9, context)
    found = infer(model, images, context=context, generator=seeded(), samples=16, minimal_gain=1e-3)
    best, _ = best_diagonal(model, images, context=context)
    assert ((found.posterior.mean - best.mean).abs() < 0.2 * best.log_std.exp()).all()
    exact = log_marginal(model, images, context=context) - kl_to_posterior(
        model, images, found.posterior, context=context
    )
    assert_close(found.elbo, exact, atol=1e-5, rtol=0)
    with pytest.raises(UsageError, match=r"conditional.*\(9, 3\)"):
        infer(model, images, generator=seeded())


def test_an_image_s_posterior_does_not_depend_on_its_company() -> None:
    """An image far out takes longer than the others, which leave the batch before it."""
    model = linear_model(skew=0.5)
    images = draw_images(model, 5)
    images[3] += 4 * SCALE
    together = infer(model, images, generator=seeded(), window=25)
    assert together.steps[3] > together.steps.min()
    backwards = infer(model, images.flip(0), generator=seeded(), window=25)
    for row in (0, 3):
        alone = infer(model, images[row : row + 1], generator=seeded(), window=25)
        for other, place in ((together, row), (backwards, 4 - row)):
            assert other.steps[place] == alone.steps[0]
            assert_close(other.posterior.mean[place], alone.posterior.mean[0])
            assert_close(other.posterior.log_std[place], alone.posterior.log_std[0])
            assert_close(other.elbo[place], alone.elbo[0])


def test_the_bound_is_not_below_the_one_of_a_trained_encoder() -> None:
    dataset = load("sprites", size=16, orientations=1, scales=2, positions_x=8, positions_y=8)
    train, nets = dataset.split("train"), {"hidden": (64,)}
    config = VAE.Config(
        latents=3,
        encoder=DenseEncoder.Config(**nets),  # type: ignore[arg-type]
        decoder=DenseDecoder.Config(**nets),  # type: ignore[arg-type]
    )
    model: Any = build(config, train.spec, seed=0)
    fit(model, train, dataset.split("validation"), Training(steps=600, device="cpu"))
    images = dataset.split("test").images_at(range(30))
    found = infer(model, images, generator=seeded())
    inferred, amortised = (
        elbo(model, images, samples=1000, generator=seeded(1), posterior=q)
        for q in (found.posterior, None)
    )
    assert found.posterior.kl_to_standard_normal().sum(dim=1).mean() > 1
    assert (inferred > amortised - 0.1).all()
    assert inferred.mean() > amortised.mean() + 0.2


def test_hidden_pixels_do_not_matter() -> None:
    model = linear_model()
    images = draw_images(model, 4)
    first = infer(model, images, observed=LEFT, generator=seeded(), steps=100)
    other = infer(model, images.where(LEFT, 0.3), observed=LEFT, generator=seeded(), steps=100)
    assert torch.equal(first.posterior.mean, other.posterior.mean)
    assert torch.equal(first.elbo, other.elbo)


def test_without_a_seen_pixel_the_posterior_is_the_prior() -> None:
    model = linear_model()
    none = torch.zeros(4, 4, dtype=torch.bool)
    found = infer(model, draw_images(model, 4), observed=none, generator=seeded())
    assert_close(found.posterior.kl_to_standard_normal().max().item(), 0.0, atol=1e-3, rtol=0)


def test_the_model_stays_as_it_was() -> None:
    model = linear_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        infer(model, draw_images(model, 2), generator=seeded(), steps=20)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_steps_are_told_and_end_at_the_limit() -> None:
    model = linear_model()
    told = []
    found = infer(
        model,
        draw_images(model, 3),
        generator=seeded(),
        steps=60,
        on_step=lambda *progress: told.append(progress),
    )
    assert told == [(step, 3) for step in range(1, 61)]
    assert found.steps.tolist() == [60, 60, 60]
    assert not found.converged.any()


@pytest.mark.parametrize("setting", ["steps", "samples", "window"])
def test_settings_without_sense_are_refused(setting: str) -> None:
    model = linear_model()
    with pytest.raises(UsageError, match=f"{setting} is 0"):
        infer(model, draw_images(model, 1), generator=seeded(), **{setting: 0})  # type: ignore[arg-type]
