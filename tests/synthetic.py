"""Codes whose quality is known."""

from typing import Any

import numpy as np

SIZES = (3, 6, 40, 32, 32)
"""Of dSprites."""


def random_factors(rows: Any, sizes: Any = SIZES, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, sizes, size=(rows, len(sizes)))


def turned(codes: Any, pairs: Any, degrees: Any = 45) -> Any:
    """The codes with each of the pairs of latents rotated in its plane."""
    codes = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    for i, j in pairs:
        codes[:, i], codes[:, j] = (
            cosine * codes[:, i] + sine * codes[:, j],
            cosine * codes[:, j] - sine * codes[:, i],
        )
    return codes


def with_noise_latents(codes: Any, number: Any, seed: int = 1) -> Any:
    return np.column_stack([codes, np.random.default_rng(seed).normal(size=(len(codes), number))])
