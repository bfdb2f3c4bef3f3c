import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch.distributions import Bernoulli as TorchBernoulli
from torch.nn.functional import softplus

from distaff.likelihoods import LIKELIHOODS, Bernoulli, Gaussian, LearnedGaussian


def likelihood(name: str):
    cls = LIKELIHOODS[name]
    return cls(cls.Config())


@pytest.fixture
def images(generator):
    return torch.rand(3, 2, 5, 4, generator=generator, dtype=torch.float64)


def outputs_for(name: str, generator) -> torch.Tensor:
    channels = 2 * LIKELIHOODS[name].outputs_per_channel
    return torch.randn(3, channels, 5, 4, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_every_likelihood_gives_a_value_for_each_pixel(name, images, generator):
    likely, outputs = likelihood(name), outputs_for(name, generator)
    assert likely.log_prob(images, outputs).shape == images.shape
    assert likely.mean(outputs).shape == images.shape
    assert likely.sample(outputs, generator).shape == images.shape


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_samples_have_the_mean(name, generator):
    likely, outputs = likelihood(name), outputs_for(name, generator)
    many = outputs[:1].repeat(20_000, 1, 1, 1)
    average = likely.sample(many, generator).mean(dim=0)
    assert torch.allclose(average, likely.mean(outputs[:1])[0], atol=0.05)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_every_likelihood_says_where_it_comes_from(name):
    assert "Reference:" in LIKELIHOODS[name].__doc__


def test_bernoulli_equals_torch_distributions(images, generator):
    logits = outputs_for("bernoulli", generator) * 10
    truth = TorchBernoulli(logits=logits).log_prob(images.round())
    assert torch.allclose(likelihood("bernoulli").log_prob(images.round(), logits), truth)


def test_bernoulli_sums_to_one_over_both_values(generator):
    logits = outputs_for("bernoulli", generator)
    bernoulli = Bernoulli(Bernoulli.Config())
    total = sum(
        bernoulli.log_prob(torch.full_like(logits, value), logits).exp() for value in (0.0, 1.0)
    )
    assert torch.allclose(total, torch.ones_like(total))


def test_gaussian_equals_scipy(images, generator):
    mean = outputs_for("gaussian", generator)
    truth = norm(mean.numpy(), 0.3).logpdf(images.numpy())
    ours = Gaussian(Gaussian.Config(std=0.3)).log_prob(images, mean)
    assert torch.allclose(ours, torch.from_numpy(truth))


def test_learned_gaussian_equals_scipy(images, generator):
    outputs = outputs_for("learned-gaussian", generator)
    mean, raw = outputs.chunk(2, dim=1)
    truth = norm(mean.numpy(), 0.05 + softplus(raw).numpy()).logpdf(images.numpy())
    ours = LearnedGaussian(LearnedGaussian.Config(floor=0.05)).log_prob(images, outputs)
    assert torch.allclose(ours, torch.from_numpy(truth))


@pytest.mark.parametrize("name", ["gaussian", "learned-gaussian"])
def test_gaussians_integrate_to_one(name, generator):
    outputs = outputs_for(name, generator)[:1, :, :1, :1]
    likely = likelihood(name)

    def density(x: float) -> float:
        image = torch.full((1, 2, 1, 1), x, dtype=torch.float64)
        return likely.log_prob(image, outputs)[0, 0].exp().item()

    centre = likely.mean(outputs)[0, 0].item()
    integral, _ = quad(density, centre - 20, centre + 20, points=[centre], limit=500)
    assert integral == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    "make", [lambda: Gaussian.Config(std=0.0), lambda: LearnedGaussian.Config(floor=-1.0)]
)
def test_scales_that_are_not_above_zero_are_refused(make):
    with pytest.raises(ValueError, match="must be above 0"):
        make()
