import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.distributions import MultivariateNormal

from distaff.errors import UsageError
from distaff.likelihoods import Gaussian
from distaff.models import VAE, AnnealedVAE, BetaVAE, build
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.probability.gaussian import DiagonalGaussian
from distaff.types import Batch, DataSpec

SPEC = DataSpec((1, 16, 16), (), 100)
TERMS = {"reconstruction": torch.tensor(40.0), "kl": torch.tensor(7.0)}


def test_the_vae_s_objective_is_the_negative_bound() -> None:
    assert VAE.objective(TERMS, {}).item() == 47


def test_the_beta_vae_weighs_the_kl(small_nets: dict[str, Any]) -> None:
    model: Any = build(BetaVAE.Config(beta=4, **small_nets), SPEC, seed=0)
    assert model.objective(TERMS, model.settings(0)).item() == 40 + 4 * 7


def test_beta_and_normalized_beta_are_two_names_for_one_weight(small_nets: dict[str, Any]) -> None:
    """Higgins et al. 2017: beta 4 with 10 latents on 64 x 64 grey pixels is 0.00977."""
    spec = DataSpec((1, 64, 64), (), 100)
    plain: Any = build(BetaVAE.Config(beta=4, latents=10, **small_nets), spec, seed=0)
    assert plain.derived_settings()["normalized_beta"] == pytest.approx(0.00977, abs=5e-6)
    normalized = replace(plain.config, beta=None, normalized_beta=4 * 10 / 4096)
    assert build(normalized, spec, seed=0).settings(0)["beta"] == pytest.approx(4)
    with pytest.raises(ValueError, match="only one"):
        BetaVAE.Config(beta=4, normalized_beta=0.01)


def test_the_annealed_vae_holds_the_kl_at_a_rising_capacity(small_nets: dict[str, Any]) -> None:
    config = AnnealedVAE.Config(gamma=30, capacity=14, annealing_steps=100, **small_nets)
    model: Any = build(config, SPEC, seed=0)
    assert model.settings(50) == {"gamma": 30, "capacity": 7}
    assert model.settings(1000)["capacity"] == 14
    assert model.objective(TERMS, {"gamma": 30, "capacity": 9}).item() == 40 + 30 * 2
    assert model.objective(TERMS, {"gamma": 30, "capacity": 5}).item() == 40 + 30 * 2


def test_the_kl_of_an_image_does_not_depend_on_its_size(small_nets: dict[str, Any]) -> None:
    """Terms are sums over pixels and latents: twice the pixels, twice the reconstruction."""
    model: Any = build(VAE.Config(latents=3, **small_nets), SPEC, seed=0)
    images = torch.rand(4, 1, 16, 16)
    batch = Batch(images, torch.zeros(4, 0, dtype=torch.int64), torch.zeros(4, dtype=torch.bool))
    posterior, noise = model.encode(images), torch.zeros(4, 3)
    terms = model.elbo_terms(batch, posterior, noise)
    outputs = model.decoder(posterior.mean)
    by_hand = -model.likelihood.log_prob(images, outputs).sum() / 4
    assert terms["reconstruction"].item() == pytest.approx(by_hand.item(), rel=1e-5)
    assert terms["kl"].item() == pytest.approx(
        posterior.kl_to_standard_normal().sum().item() / 4, rel=1e-5
    )


@pytest.fixture
def linear_model() -> Any:
    """A linear decoder with orthogonal columns: probabilistic PCA, whose posterior is diagonal."""
    torch.manual_seed(0)
    config = VAE.Config(
        latents=2,
        encoder=DenseEncoder.Config(hidden=()),
        decoder=DenseDecoder.Config(hidden=()),
        likelihood=Gaussian.Config(std=0.4),
    )
    model: Any = build(config, DataSpec((1, 4, 4), (), 10), seed=0).double()
    columns = torch.linalg.qr(torch.randn(16, 2, dtype=torch.float64))[0]
    with torch.no_grad():
        model.decoder[0].weight.copy_(columns * torch.tensor([1.5, 0.7]))
        model.decoder[0].bias.normal_()
    return model


def exact(model: Any, images: Any) -> Any:
    """Marginal log likelihood and posterior of probabilistic PCA (Tipping & Bishop 1999)."""
    weight, bias = model.decoder[0].weight.detach(), model.decoder[0].bias.detach()
    variance = model.config.likelihood.std**2
    flat = images.flatten(1)
    marginal = MultivariateNormal(
        bias, weight @ weight.T + variance * torch.eye(16, dtype=torch.float64)
    )
    precision = weight.square().sum(dim=0) / variance + 1
    mean = (flat - bias) @ weight / variance / precision
    log_std = (-0.5 * precision.log()).expand_as(mean)
    return marginal.log_prob(flat).mean().item(), DiagonalGaussian(mean, log_std)


def bound(
    model: Any, images: Any, posterior: Any, generator: torch.Generator, draws: Any = 4000
) -> Any:
    count = len(images)
    unlabelled = torch.zeros(count * draws, dtype=torch.bool)
    no_factors = torch.zeros(count * draws, 0, dtype=torch.int64)
    batch = Batch(images.repeat(draws, 1, 1, 1), no_factors, unlabelled)
    noise = torch.randn(count * draws, 2, generator=generator, dtype=torch.float64)
    many = DiagonalGaussian(posterior.mean.repeat(draws, 1), posterior.log_std.repeat(draws, 1))
    terms = model.elbo_terms(batch, many, noise)
    return -(terms["reconstruction"] + terms["kl"]).item()


def test_the_bound_is_the_marginal_likelihood_when_the_posterior_is_exact(
    linear_model: Any, generator: torch.Generator
) -> None:
    with torch.no_grad():
        images = torch.rand(5, 1, 4, 4, generator=generator, dtype=torch.float64)
        log_likelihood, posterior = exact(linear_model, images)
        assert bound(linear_model, images, posterior, generator) == pytest.approx(
            log_likelihood, abs=0.03
        )


def test_the_bound_falls_short_by_the_kl_to_the_exact_posterior(
    linear_model: Any, generator: torch.Generator
) -> None:
    with torch.no_grad():
        images = torch.rand(5, 1, 4, 4, generator=generator, dtype=torch.float64)
        log_likelihood, posterior = exact(linear_model, images)
        shift = 0.5
        wrong = DiagonalGaussian(
            posterior.mean + shift * posterior.log_std.exp(), posterior.log_std
        )
        gap = 2 * shift**2 / 2
        assert bound(linear_model, images, wrong, generator) == pytest.approx(
            log_likelihood - gap, abs=0.05
        )


def test_traversals_move_one_latent_and_keep_the_others(small_nets: dict[str, Any]) -> None:
    model: Any = build(VAE.Config(latents=3, **small_nets), SPEC, seed=0)
    image = torch.rand(1, 16, 16)
    with torch.no_grad():
        code = model.encode(image[None]).mean
        moved = model.traverse(image, (-2.0, 0.5))
        code[0, 1] = 0.5
        assert torch.allclose(moved[1, 1], model.decode(code)[0], atol=1e-6)


def test_images_of_another_shape_are_refused(small_nets: dict[str, Any]) -> None:
    model: Any = build(VAE.Config(latents=3, **small_nets), SPEC, seed=0)
    with pytest.raises(UsageError, match=r"\(2, 1, 28, 28\).*takes \(batch, 1, 16, 16\)"):
        model.encode(torch.rand(2, 1, 28, 28))


def test_building_a_model_leaves_the_global_generator_as_it_was(small_nets: dict[str, Any]) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    build(VAE.Config(**small_nets), SPEC, seed=3)
    assert torch.equal(torch.rand(1), expected)


def test_initial_losses_are_near_an_uninformed_decoder_s(small_nets: dict[str, Any]) -> None:
    model: Any = build(VAE.Config(latents=3, **small_nets), SPEC, seed=0)
    images = (torch.rand(64, 1, 16, 16) > 0.5).float()
    batch = Batch(images, torch.zeros(64, 0, dtype=torch.int64), torch.zeros(64, dtype=torch.bool))
    terms = model.loss_terms(batch, torch.randn(64, 3), "vae")
    assert terms["reconstruction"].item() == pytest.approx(256 * math.log(2), rel=0.5)
