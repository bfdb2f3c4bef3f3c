from typing import Any

import numpy as np
import pytest
import torch
from linear_gaussian import best_diagonal, draw_images, linear_model, log_marginal

from distaff.studies.mnist_likelihoods.nested_bounds import bounds_of_images, combine
from distaff.studies.mnist_likelihoods.trained import summary

COUNTS = {1: 200, 50: 80, 5000: 30}


def bounds_of(generator: torch.Generator) -> Any:
    """Bounds of images like those of MNIST: gains that depend on the image, on a wide spread."""
    elbo = generator.normal(-600, 100, size=200)  # type: ignore[attr-defined]
    first = 5 - 0.02 * (elbo + 600) + generator.normal(0, 2, size=200)  # type: ignore[attr-defined]
    second = 1 + 0.3 * (first - 5) + generator.normal(0, 0.5, size=200)  # type: ignore[attr-defined]
    lists = (elbo, elbo + first, elbo + first + second)
    return {k: values[:n] for (k, n), values in zip(COUNTS.items(), lists, strict=True)}


def test_on_the_same_images_all_are_plain_means_and_paired_differences() -> None:
    generator = np.random.default_rng(0)
    lists = generator.normal(size=(3, 40)).cumsum(axis=0)
    found = combine(dict(zip((1, 50, 5000), lists, strict=True)))
    for name, values in zip(("1", "50", "5000"), lists, strict=True):
        assert found["bounds"][name] == pytest.approx(summary(values))
    assert found["gains"]["50"] == pytest.approx(summary(lists[1] - lists[0]))
    assert found["gains"]["5000"] == pytest.approx(summary(lists[2] - lists[1]))


def test_the_bound_is_the_mean_of_the_elbo_and_the_mean_gains() -> None:
    values = bounds_of(np.random.default_rng(1))  # type: ignore[arg-type]
    found = combine(values)
    one, few, many = values.values()
    assert found["bounds"]["1"] == pytest.approx(summary(one))
    expected = one.mean() + (few - one[:80]).mean() + (many - few[:30]).mean()
    assert found["bounds"]["5000"]["mean"] == pytest.approx(expected)
    assert found["bounds"]["5000"]["images"] == 200
    assert found["gains"]["5000"]["images"] == 30


def test_intervals_hold_the_mean_of_the_population_19_times_of_20() -> None:
    """2,000 times of new images; the interval is less than half of that of 30 images alone."""
    generator = np.random.default_rng(2)
    truth = {"1": -600.0, "50": -595.0, "5000": -594.0}
    found = [combine(bounds_of(generator))["bounds"] for _ in range(2000)]  # type: ignore[arg-type]
    for name, mean in truth.items():
        estimates = np.array([f[name]["mean"] for f in found])
        held = np.mean([f[name]["low"] < mean < f[name]["high"] for f in found])
        widths = np.array([f[name]["high"] - f[name]["low"] for f in found])
        assert estimates.mean() == pytest.approx(mean, abs=0.6)
        assert held == pytest.approx(0.95, abs=0.015)
        assert widths.mean() / (2 * 1.96) == pytest.approx(estimates.std(), rel=0.05)
    alone = 2 * 1.96 * 100 / 30**0.5
    assert widths.mean() < 0.45 * alone


def test_images_of_a_later_bound_are_the_first_of_the_one_before() -> None:
    model = linear_model()
    images = draw_images(model, 12)
    posterior, _ = best_diagonal(model, images)
    model.posterior = lambda some, _context=None: posterior._replace(
        mean=posterior.mean[: len(some)], log_std=posterior.log_std[: len(some)]
    )
    exact = log_marginal(model, images).numpy()
    values = bounds_of_images(model, images, {1: 12, 7: 5})
    assert values[1] == pytest.approx(exact, abs=1e-4)
    assert values[7] == pytest.approx(exact[:5], abs=1e-4)


def test_a_gain_that_is_the_same_for_all_images_adds_nothing_to_the_interval() -> None:
    elbo = np.random.default_rng(3).normal(-600, 10, size=4000)
    found = combine({1: elbo, 50: elbo[:1000] + 5000})["bounds"]
    one, few = (found[name]["high"] - found[name]["low"] for name in ("1", "50"))
    assert few == pytest.approx(one, rel=0.03)
