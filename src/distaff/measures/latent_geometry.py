r"""How a map from two true factors to two latents bends the plane.

For points p and their latents z, both [point, 2] and centred to P and Z, the R² of a family of
maps is 1 - |residual|² / |Z|², the residual being that of the best map, summed over both latents:

    affine       z = A p + b                 least squares
    similarity   z = s Q p + b, Q^T Q = I    (trace S)² / (|P|² |Z|²), P^T Z = U S V^T

A similarity turns or mirrors and has one scale; its best member is the orthogonal Procrustes
solution (Schönemann & Carroll 1970, "Fitting one matrix to another under choice of a central
dilation and a rigid motion"), so that R² is 1 if angles and ratios of lengths are kept. Both R² are
1 at best, 0 where the latents know nothing of the positions.

The same is shown as a figure, the latent geometry, by Watters, Matthey, Burgess,
Lerchner 2019, "Spatial Broadcast Decoder", arXiv:1901.07017.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from distaff.errors import UsageError

LINES, POINTS_BETWEEN = 6, 5
LOW, HIGH = 0.2, 0.8

Points = Float[np.ndarray, "point 2"]
Mesh = Float[np.ndarray, "row column 2"]


class LocalDistortion(NamedTuple):
    """What the Jacobians of the cells of a grid say, s1 >= s2 being their singular values."""

    anisotropy: float
    """Mean of log(s1 / s2): 0 where circles stay circles, infinite if a cell is flattened."""
    scale_variation: float
    """Standard deviation over mean of sqrt(s1 s2): 0 where all cells grow alike."""
    folded: float
    """Share of cells that are turned over against the most, 0 to 1/2."""


def grid_lines() -> tuple[Points, Int[np.ndarray, " point"]]:
    """Returns 336 positions on 6 upright and 6 level lines from 0.2 to 0.8, and each one's line.

    A line has 31 positions; those where lines cross belong to the upright line, 0 to 5 from left
    to right, so that a level one, 6 to 11 from top to bottom, counts 25.
    """
    steps = np.linspace(LOW, HIGH, (LINES - 1) * (POINTS_BETWEEN + 1) + 1)
    lines = steps[:: POINTS_BETWEEN + 1]
    between = np.delete(steps, slice(None, None, POINTS_BETWEEN + 1))
    upright = np.stack(np.meshgrid(lines, steps, indexing="ij"), axis=-1)
    level = np.stack(np.meshgrid(between, lines, indexing="xy"), axis=-1)
    label = np.arange(2 * LINES).repeat([len(steps)] * LINES + [len(between)] * LINES)
    return np.concatenate([upright.reshape(-1, 2), level.reshape(-1, 2)]), label


def most_informative(log_std: Float[np.ndarray, "image latent"]) -> Int[np.ndarray, "2"]:
    """Returns the two latents with the smallest mean posterior variance, the smaller first."""
    return np.argsort(np.exp(2 * log_std).mean(axis=0), kind="stable")[:2]


def affine_r2(positions: Points, latents: Points) -> float:
    """Returns the R² of the best affine map from the positions to the latents.

    Raises:
        UsageError: positions or latents are all the same point.
    """
    centred, moved = _centred(positions, latents)
    residual = moved - centred @ np.linalg.lstsq(centred, moved, rcond=None)[0]
    return float(1 - np.square(residual).sum() / np.square(moved).sum())


def similarity_r2(positions: Points, latents: Points) -> float:
    """Returns the R² of the best rotation or reflection with one scale.

    Raises:
        UsageError: positions or latents are all the same point.
    """
    centred, moved = _centred(positions, latents)
    overlap = np.linalg.svd(centred.T @ moved, compute_uv=False).sum()
    return float(overlap**2 / (np.square(centred).sum() * np.square(moved).sum()))


def local_distortion(positions: Mesh, latents: Mesh) -> LocalDistortion:
    """Measures the Jacobian of the map in each cell of a grid, by finite differences.

    Args:
        positions: of the corners of the cells, [row, column, (x, y)]; they need not be evenly
            spaced. Where images move by whole pixels, two corners must not fall on one pixel.
        latents: the two latents of each.

    Raises:
        UsageError: a cell of the positions has no area, or no cell of the latents has one.
    """
    steps, moved = _cell_sides(positions), _cell_sides(latents)
    if not np.linalg.det(steps).all():
        raise UsageError("a cell of the grid has no area; take positions that are further apart.")
    jacobian = moved @ np.linalg.inv(steps)
    large, small = np.moveaxis(np.linalg.svd(jacobian, compute_uv=False), -1, 0)
    scale, turned = np.sqrt(large * small), np.linalg.det(jacobian)
    if not scale.any():
        raise UsageError("the latents lie on a line or a point; there is no area to measure.")
    with np.errstate(divide="ignore", invalid="ignore"):
        stretch = np.where(small > 0, np.log(large / small), np.inf)
    return LocalDistortion(
        anisotropy=float(stretch.mean()),
        scale_variation=float(scale.std() / scale.mean()),
        folded=float(min((turned > 0).mean(), (turned < 0).mean())),
    )


def _cell_sides(corners: Mesh) -> Float[np.ndarray, "cell_row cell_column 2 2"]:
    """Mean of the two level sides and of the two upright sides of each cell, as columns."""
    level, upright = np.diff(corners, axis=1), np.diff(corners, axis=0)
    sides = (level[1:] + level[:-1]) / 2, (upright[:, 1:] + upright[:, :-1]) / 2
    return np.stack(sides, axis=-1)


def _centred(positions: Points, latents: Points) -> tuple[Points, Points]:
    positions, latents = positions - positions.mean(axis=0), latents - latents.mean(axis=0)
    for name, points in (("positions", positions), ("latents", latents)):
        if not points.any():
            raise UsageError(f"all {name} are the same point; there is no map to measure.")
    return positions, latents
