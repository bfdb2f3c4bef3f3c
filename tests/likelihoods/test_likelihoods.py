from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from torch.distributions import Bernoulli as TorchBernoulli
from torch.nn.functional import softplus

from distaff.likelihoods import (
    LIKELIHOODS,
    Bernoulli,
    Beta,
    Categorical,
    Gaussian,
    LearnedGaussian,
)

OTHER_SETTINGS = {
    "sharp gaussian": Gaussian(Gaussian.Config(std=1e-3)),
    "wide gaussian": Gaussian(Gaussian.Config(std=30.0)),
    "sharp learned gaussian": LearnedGaussian(LearnedGaussian.Config(floor=1e-4)),
    "low beta": Beta(Beta.Config(floor=0.01)),
    "black and white": Categorical(Categorical.Config(bins=2)),
    "uneven bins": Categorical(Categorical.Config(bins=100)),
    "every level a bin": Categorical(Categorical.Config(bins=256)),
}


def likelihood(name: str) -> Any:
    if name in OTHER_SETTINGS:
        return OTHER_SETTINGS[name]
    cls = LIKELIHOODS[name]
    return cls(cls.Config())


ALL = [*LIKELIHOODS, *OTHER_SETTINGS]


@pytest.fixture
def images(generator: torch.Generator) -> Any:
    return torch.rand(3, 2, 5, 4, generator=generator, dtype=torch.float64)


def outputs_for(name: str, generator: torch.Generator) -> torch.Tensor:
    channels = 2 * likelihood(name).outputs_per_channel
    return torch.randn(3, channels, 5, 4, generator=generator, dtype=torch.float64)


def pixels_for(
    name: str, count: int, generator: torch.Generator, dtype: Any = torch.float64
) -> torch.Tensor:
    shape = (count, likelihood(name).outputs_per_channel)
    return torch.randn(shape, generator=generator, dtype=dtype)


def extremes_for(name: str) -> torch.Tensor:
    """Returns [pixel, output] with every pair of far values in the first and the last output."""
    values = torch.tensor([-100.0, -30.0, -1e-3, 0.0, 0.5, 30.0, 100.0])
    pairs = torch.cartesian_prod(values, values)
    outputs = torch.zeros(len(pairs), likelihood(name).outputs_per_channel)
    outputs[:, 0], outputs[:, -1] = pairs.T
    return outputs


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_every_likelihood_gives_a_value_for_each_pixel(
    name: str, images: Any, generator: torch.Generator
) -> None:
    likely, outputs = likelihood(name), outputs_for(name, generator)
    assert likely.log_prob(images, outputs).shape == images.shape
    assert likely.log_prob_of_levels(images, outputs).shape == images.shape
    assert likely.mean(outputs).shape == images.shape
    assert likely.sample(outputs, generator).shape == images.shape


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_channels_come_first_within_each_number_of_a_pixel(
    name: str, images: Any, generator: torch.Generator
) -> None:
    likely, outputs = likelihood(name), outputs_for(name, generator)
    for channel in range(2):
        alone, own = images[:, [channel]], outputs[:, channel::2]
        assert torch.allclose(likely.mean(outputs)[:, [channel]], likely.mean(own))
        for log_prob in (likely.log_prob, likely.log_prob_of_levels):
            assert torch.allclose(log_prob(images, outputs)[:, [channel]], log_prob(alone, own))


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_samples_have_the_mean(name: str, generator: torch.Generator) -> None:
    likely, outputs = likelihood(name), outputs_for(name, generator)
    many = outputs[:1].repeat(20_000, 1, 1, 1)
    average = likely.sample(many, generator).mean(dim=0)
    assert torch.allclose(average, likely.mean(outputs[:1])[0], atol=0.05)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_generator_decides_the_sample(name: str, generator: torch.Generator) -> None:
    likely, outputs = likelihood(name), outputs_for(name, generator)
    first, again, other = (
        likely.sample(outputs, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_every_likelihood_says_where_it_comes_from(name: str) -> None:
    assert "Reference:" in LIKELIHOODS[name].__doc__  # type: ignore[operator]


@pytest.mark.parametrize("scale", [0.1, 1, 10, 100])
@pytest.mark.parametrize("name", ALL)
def test_the_256_levels_sum_to_one(
    name: str, scale: float, generator: torch.Generator, level_log_probs: Any
) -> None:
    outputs = scale * pixels_for(name, 200, generator)
    total = level_log_probs(likelihood(name), outputs).exp().sum(dim=0)
    assert torch.allclose(total, torch.ones_like(total), rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_the_256_levels_sum_to_one_in_single_precision(name: str, level_log_probs: Any) -> None:
    total = level_log_probs(likelihood(name), extremes_for(name)).exp().sum(dim=0)
    assert torch.allclose(total, torch.ones_like(total), rtol=0, atol=2e-4)


@pytest.mark.parametrize("name", ["gaussian", "learned-gaussian", "beta", "discretized-logistic"])
@settings(max_examples=50, deadline=None)
@given(pair=st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)))
def test_the_256_levels_sum_to_one_wherever_hypothesis_looks(name: str, pair: Any) -> None:
    likely = likelihood(name)
    outputs = torch.tensor(pair[: likely.outputs_per_channel], dtype=torch.float64)
    images = (torch.arange(256, dtype=torch.float64) / 255)[:, None, None, None]
    spread = outputs[None, :, None, None].expand(256, -1, -1, -1)
    total = likely.log_prob_of_levels(images, spread).exp().sum().item()
    assert total == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_single_precision_agrees_with_double(name: str, level_log_probs: Any) -> None:
    likely, outputs = likelihood(name), extremes_for(name)
    single = level_log_probs(likely, outputs).double()
    double = level_log_probs(likely, outputs.double())
    assert torch.allclose(single, double, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_values_and_gradients_are_finite_at_extreme_outputs(name: str) -> None:
    likely, pixels = likelihood(name), extremes_for(name)
    images = (torch.arange(256) / 255)[:, None, None, None].expand(-1, 1, 1, len(pixels))
    outputs = pixels.T[None, :, None].repeat(256, 1, 1, 1).requires_grad_()
    for value in (
        likely.log_prob(images, outputs),
        likely.log_prob_of_levels(images, outputs),
        likely.mean(outputs),
    ):
        assert value.isfinite().all()
        (gradient,) = torch.autograd.grad(value.sum(), outputs)
        assert gradient.isfinite().all()


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_samples_at_extreme_outputs_are_finite_and_within_the_pixel_s_range(
    name: str, generator: torch.Generator
) -> None:
    likely = likelihood(name)
    outputs = extremes_for(name).T[None, :, None].repeat(200, 1, 1, 1)
    drawn = likely.sample(outputs, generator)
    assert drawn.isfinite().all()
    if "gaussian" not in name:
        assert 0 <= drawn.min() <= drawn.max() <= 1


@pytest.mark.parametrize(
    ("name", "scale"),
    [*((name, scale) for name in LIKELIHOODS for scale in (1, 20)), ("low beta", 1)],
)
def test_gradients_equal_finite_differences(
    name: str, scale: Any, generator: torch.Generator
) -> None:
    likely = likelihood(name)
    levels = torch.tensor([0, 1, 2, 40, 127, 128, 253, 254, 255], dtype=torch.float64)
    images = (levels / 255).reshape(1, 1, 3, 3)
    outputs = scale * torch.randn(
        1, likely.outputs_per_channel, 3, 3, generator=generator, dtype=torch.float64
    )
    outputs.requires_grad_()
    for log_prob in (likely.log_prob, likely.log_prob_of_levels):
        assert torch.autograd.gradcheck(
            lambda x, of=log_prob: of(images, x), outputs, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("name", ["gaussian", "learned-gaussian", "beta", "continuous-bernoulli"])
def test_a_level_has_about_the_density_times_the_width_of_its_cell(
    name: str, generator: torch.Generator, level_log_probs: Any
) -> None:
    likely, outputs = likelihood(name), pixels_for(name, 20, generator)
    image = torch.full((1, 1, 1, 20), 100 / 255, dtype=torch.float64)
    density = likely.log_prob(image, outputs.T[None, :, None])[0, 0, 0].exp()
    assert torch.allclose(
        level_log_probs(likely, outputs)[100].exp(), density / 255, rtol=0.02, atol=1e-4
    )


def test_bernoulli_equals_torch_distributions(images: Any, generator: torch.Generator) -> None:
    logits = outputs_for("bernoulli", generator) * 10
    truth = TorchBernoulli(logits=logits).log_prob(images.round())
    assert torch.allclose(likelihood("bernoulli").log_prob(images.round(), logits), truth)


def test_bernoulli_sums_to_one_over_both_values(generator: torch.Generator) -> None:
    logits = outputs_for("bernoulli", generator)
    bernoulli = Bernoulli(Bernoulli.Config())
    total = sum(
        bernoulli.log_prob(torch.full_like(logits, value), logits).exp() for value in (0.0, 1.0)
    )
    assert torch.allclose(total, torch.ones_like(total))  # type: ignore[arg-type]


def test_bernoulli_levels_are_its_formula_divided_by_its_sum(level_log_probs: Any) -> None:
    logits = torch.tensor([-60, -3, -0.7, -1e-4, 0, 1e-4, 2, 60], dtype=torch.float64)
    levels = torch.arange(256, dtype=torch.float64)[:, None] / 255
    formula = levels * logits.sigmoid().log() + (1 - levels) * (-logits).sigmoid().log()
    ours = level_log_probs(likelihood("bernoulli"), logits[:, None])
    assert torch.allclose(ours, formula.log_softmax(dim=0), atol=1e-10)


def test_gaussian_equals_scipy(images: Any, generator: torch.Generator) -> None:
    mean = outputs_for("gaussian", generator)
    truth = norm(mean.numpy(), 0.3).logpdf(images.numpy())
    ours = Gaussian(Gaussian.Config(std=0.3)).log_prob(images, mean)
    assert torch.allclose(ours, torch.from_numpy(truth))


def test_learned_gaussian_equals_scipy(images: Any, generator: torch.Generator) -> None:
    outputs = outputs_for("learned-gaussian", generator)
    mean, raw = outputs.chunk(2, dim=1)
    truth = norm(mean.numpy(), 0.05 + softplus(raw).numpy()).logpdf(images.numpy())
    ours = LearnedGaussian(LearnedGaussian.Config(floor=0.05)).log_prob(images, outputs)
    assert torch.allclose(ours, torch.from_numpy(truth))


@pytest.mark.parametrize("name", ["gaussian", "learned-gaussian"])
def test_gaussians_integrate_to_one(name: str, generator: torch.Generator) -> None:
    outputs = outputs_for(name, generator)[:1, :, :1, :1]
    likely = likelihood(name)

    def density(x: float) -> float:
        image = torch.full((1, 2, 1, 1), x, dtype=torch.float64)
        return likely.log_prob(image, outputs)[0, 0].exp().item()  # type: ignore[no-any-return]

    centre = likely.mean(outputs)[0, 0].item()
    integral, _ = quad(density, centre - 20, centre + 20, points=[centre], limit=500)
    assert integral == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    "make", [lambda: Gaussian.Config(std=0.0), lambda: LearnedGaussian.Config(floor=-1.0)]
)
def test_scales_that_are_not_above_zero_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        make()
