"""Codes whose quality is known."""

import numpy as np

SIZES = (3, 6, 40, 32, 32)
"""Of dSprites."""


def random_factors(rows, sizes=SIZES, seed=0):
    return np.random.default_rng(seed).integers(0, sizes, size=(rows, len(sizes)))


def turned(codes, pairs, degrees=45):
    """The codes with each of the pairs of latents rotated in its plane."""
    codes = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    for i, j in pairs:
        codes[:, i], codes[:, j] = (
            cosine * codes[:, i] + sine * codes[:, j],
            cosine * codes[:, j] - sine * codes[:, i],
        )
    return codes


def with_noise_latents(codes, number, seed=1):
    return np.column_stack([codes, np.random.default_rng(seed).normal(size=(len(codes), number))])
