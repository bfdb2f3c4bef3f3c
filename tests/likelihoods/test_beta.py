from typing import Any

import numpy as np
import pytest
import torch
from numpy.polynomial.legendre import leggauss
from scipy.integrate import quad
from scipy.special import betainc, betaincc, betaln, logsumexp
from scipy.stats import beta, kstest

from distaff.likelihoods import Beta

FLOOR, CAP = 0.01, 1000.0
GRID = np.array([0.01, 0.1, 0.16, 0.7, 1, 1.01, 1.5, 2, 3, 5, 10, 25, 50, 150, 500, 999, 1000])
A, B = (grid.ravel() for grid in np.meshgrid(GRID, GRID))
EDGES = np.concatenate([[0], (np.arange(255) + 0.5) / 255, [1]])[:, None]


@pytest.fixture
def likely() -> Any:
    return Beta(Beta.Config(floor=FLOOR, cap=CAP))


def outputs_for(a: Any, b: Any) -> torch.Tensor:
    """Returns [pixel, 2] whose softplus, above the floor and below the cap, is (a, b)."""
    above = np.maximum(np.stack([a, b], axis=-1) - FLOOR, 1e-300)
    return torch.from_numpy(above + np.log(-np.expm1(-above)))


def spread(outputs: torch.Tensor, count: int) -> torch.Tensor:
    return outputs.T[None, :, None].expand(count, -1, -1, -1)


def test_density_equals_scipy(likely: Any) -> None:
    x = np.array([1 / 510, 1 / 255, 0.02, 0.3, 0.5, 0.77, 0.99, 254 / 255, 509 / 510])
    images = torch.from_numpy(x)[:, None, None, None].expand(-1, 1, 1, len(A))
    ours = likely.log_prob(images, spread(outputs_for(A, B), len(x)))[:, 0, 0].numpy()
    truth = (A - 1) * np.log(x)[:, None] + (B - 1) * np.log1p(-x)[:, None] - betaln(A, B)
    assert ours == pytest.approx(truth, rel=1e-9, abs=1e-9)


def test_density_in_single_precision_loses_nothing_to_the_gamma_function() -> None:
    likely = Beta(Beta.Config())
    outputs = torch.tensor([[998.0, 2.0, 600.0], [997.0, 995.0, 2.0]])[None, :, None]
    images = torch.tensor([0.5, 1 / 255, 254 / 255]).reshape(1, 1, 1, 3)
    single = likely.log_prob(images, outputs).double()
    double = likely.log_prob(images.double(), outputs.double())
    assert torch.allclose(single, double, rtol=0, atol=5e-5)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (1, 1), (2, 5), (30, 0.7), (300, 200)])
def test_density_integrates_to_one(a: float, b: float, likely: Any) -> None:
    outputs = spread(outputs_for([a], [b]), 1)

    def density(x: float) -> float:
        image = torch.full((1, 1, 1, 1), x, dtype=torch.float64)
        return likely.log_prob(image, outputs).exp().item()  # type: ignore[no-any-return]

    inside, _ = quad(density, 1 / 510, 509 / 510, points=[a / (a + b)], limit=200)
    ends = beta.cdf(1 / 510, a, b) + beta.sf(509 / 510, a, b)
    assert inside + ends == pytest.approx(1, abs=1e-7)


def test_pixels_of_0_and_1_are_held_epsilon_from_the_ends() -> None:
    outputs = torch.tensor([0.3, 2.0], dtype=torch.float64).reshape(1, 2, 1, 1)
    for epsilon in (1e-6, 1 / 510):
        likely = Beta(Beta.Config(epsilon=epsilon))
        for end, inside in ((0.0, epsilon), (1.0, 1 - epsilon)):
            at, near = (
                likely.log_prob(torch.full((1, 1, 1, 1), x, dtype=torch.float64), outputs)
                for x in (end, inside)
            )
            assert torch.equal(at, near)


def test_epsilon_changes_the_density_of_the_ends_but_no_probability_of_a_level() -> None:
    outputs = torch.tensor([-1.0, 2.0], dtype=torch.float64).reshape(1, 2, 1, 1)
    black = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    first, second = (Beta(Beta.Config(epsilon=epsilon)) for epsilon in (1e-6, 1 / 510))
    assert first.log_prob(black, outputs) > second.log_prob(black, outputs) + 1
    assert torch.equal(
        first.log_prob_of_levels(black, outputs), second.log_prob_of_levels(black, outputs)
    )


def test_levels_equal_differences_of_the_incomplete_beta_function(
    likely: Any, level_log_probs: Any
) -> None:
    ours = level_log_probs(likely, outputs_for(A, B)).exp().numpy()
    below = np.diff(betainc(A, B, EDGES), axis=0)
    above = -np.diff(betaincc(A, B, EDGES), axis=0)
    # the difference of the smaller tails cancels less
    truth = np.where(EDGES[1:] < A / (A + B), below, above)
    assert ours == pytest.approx(truth, rel=1e-7, abs=1e-13)


def test_levels_far_in_the_tail_equal_a_fine_sum(likely: Any, level_log_probs: Any) -> None:
    ours = level_log_probs(likely, outputs_for(A, B)).numpy()
    mirrored = level_log_probs(likely, outputs_for(B, A)).numpy()[::-1]
    nodes, weights = leggauss(20)
    for level in (1, 2, 3, 10, 60, 127):
        ends = np.linspace(np.log(level - 0.5), np.log(level + 0.5), 201) - np.log(255)
        y = ((ends[1:] + ends[:-1])[:, None] + np.diff(ends)[:, None] * nodes).ravel() / 2
        log_weight = np.log(np.diff(ends)[:, None] * weights / 2).ravel()
        terms = A[:, None] * y + (B - 1)[:, None] * np.log1p(-np.exp(y)) + log_weight
        truth = logsumexp(terms, axis=1) - betaln(A, B)
        assert ours[level] == pytest.approx(truth, rel=0, abs=1e-8)
        assert mirrored[level] == pytest.approx(truth, rel=0, abs=1e-8)


def test_the_ends_equal_the_incomplete_beta_function(likely: Any, level_log_probs: Any) -> None:
    ours = level_log_probs(likely, outputs_for(A, B)).numpy()
    for level, truth in ((0, betainc(A, B, 1 / 510)), (255, betainc(B, A, 1 / 510))):
        normal = truth > 1e-290
        assert ours[level, normal] == pytest.approx(np.log(truth[normal]), abs=1e-9)


def test_parameters_stop_at_floor_and_cap() -> None:
    likely = Beta(Beta.Config(floor=0.5, cap=20.0))
    outputs = torch.tensor([[-1e3, 1e3], [1e3, -1e3]], dtype=torch.float64)[:, :, None, None]
    mean = torch.tensor([0.5 / 20.5, 20 / 20.5], dtype=torch.float64)
    assert torch.allclose(likely.mean(outputs).flatten(), mean)


@pytest.mark.parametrize(("a", "b"), [(0.02, 0.02), (0.1, 3), (1, 1), (5, 2), (900, 300)])
def test_samples_follow_the_distribution_function(
    a: float, b: float, likely: Any, generator: torch.Generator
) -> None:
    outputs = spread(outputs_for([a], [b]), 20_000)
    drawn = likely.sample(outputs, generator).flatten().numpy()
    # small parameters put a part of the mass nearer to 1 than floating point can tell
    inside = drawn[(drawn > 1e-12) & (drawn < 1 - 1e-12)]
    low, high = beta.cdf([1e-12, 1 - 1e-12], a, b)  # type: ignore[misc]
    assert (drawn <= 1e-12).mean() == pytest.approx(low, abs=0.015)
    assert (drawn >= 1 - 1e-12).mean() == pytest.approx(1 - high, abs=0.015)
    inside_cdf = kstest(inside, lambda x: (beta.cdf(x, a, b) - low) / (high - low))
    assert inside_cdf.pvalue > 1e-3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"floor": 0.0}, "floor is 0.0; it must be at least 0.01"),
        ({"cap": 0.05}, "must be above the floor"),
        ({"cap": 2000.0}, "at most 1000"),
        ({"epsilon": 0.0}, "must be above 0"),
        ({"epsilon": 0.01}, "at most half a grey level"),
    ],
)
def test_settings_out_of_range_are_refused(setting: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Beta.Config(**setting)
