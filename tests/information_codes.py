"""Codes of which the information scores have a limit."""

from typing import Any

import numpy as np

SIZES = (3, 6, 10)


def noisy_discrete(rows: Any, seed: int = 0) -> Any:
    """Each latent is a factor with half a step of noise."""
    generator = np.random.default_rng(seed)
    factors = generator.integers(0, SIZES, size=(rows, 3))
    return factors + 0.5 * generator.normal(size=factors.shape), factors, None


def correlated(rows: Any, seed: int = 0) -> Any:
    """Gaussian factors, each with a latent of correlation 0.9."""
    generator = np.random.default_rng(seed)
    factors = generator.normal(size=(rows, 3))
    codes = 0.9 * factors + np.sqrt(1 - 0.9**2) * generator.normal(size=factors.shape)
    return codes, factors, ["continuous"] * 3


def mixed_beside_noise(rows: Any, seed: int = 0) -> Any:
    """Latents of more than one factor, and four of noise."""
    codes, factors, _ = noisy_discrete(rows, seed)
    noise = np.random.default_rng([seed, 1]).normal(size=(rows, 4))
    return np.c_[codes @ [[1, 0.5, 0], [0, 1, 0], [0, 0.3, 1]], noise], factors, None


def both_kinds(rows: Any, seed: int = 0) -> Any:
    """Two discrete factors and a continuous one, with noise on each."""
    generator = np.random.default_rng(seed)
    factors = np.c_[generator.integers(0, 5, size=(rows, 2)), generator.normal(size=rows)]
    codes = factors + 0.5 * generator.normal(size=factors.shape)
    return codes, factors, ["discrete", "ordinal", "continuous"]


def often_wrong(rows: Any, seed: int = 0) -> Any:
    """Each latent is its factor in 70 % of the rows, and any value of it in the others."""
    generator = np.random.default_rng(seed)
    factors = generator.integers(0, SIZES, size=(rows, 3))
    other = generator.integers(0, SIZES, size=(rows, 3))
    kept = generator.uniform(size=factors.shape) < 0.7
    return np.where(kept, factors, other).astype(float), factors, None
