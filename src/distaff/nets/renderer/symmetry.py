"""What pictures alone say of a shape's pose: its symmetry, and the origin of its frame."""

import math

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import linprog
from torch import Tensor

from distaff.nets.renderer.pose import Pose


def symmetry_order(rings: Float[Tensor, "radius angle"], *, most: int = 12) -> int:
    """Returns the number of turns under which a shape looks the same, from its rings.

    Args:
        rings: a template, as `polar_crop` cuts it.
        most: largest number that is tried.

    Returns:
        1 for a shape without symmetry, 4 for a square; 1 also for a disc, whose turn is not seen.
    """
    spectrum = torch.fft.rfft(rings - rings.mean(dim=1, keepdim=True), dim=1)
    power = spectrum.abs().square().sum(dim=0)
    wave = torch.arange(len(power))
    for order in range(most, 1, -1):
        # of a shape that looks the same after 1/order of a turn only every order-th wave is there
        if float(power[wave % order != 0].sum()) < UNLIKE * float(power.sum()):
            return order
    return 1


UNLIKE = 0.05
"""Share of the power of a shape's waves that may be noise."""


def frame_origin(poses: Pose) -> tuple[float, float]:
    """Returns the point of a frame that moved least, in units of the frame: (u right, v down).

    Seen from pictures alone, a frame may have its origin anywhere in the shape. If the sprites were
    placed in a rectangle by a point of theirs, such as the corner of a heart, that point is
    the one whose places span the smallest ranges: any other circles around it as the sprite turns.
    The sum of the ranges of x and y is minimised by a linear program.

    Args:
        poses: of many pictures of one shape, in pixels.
    """
    x, y, size, turn = (numbers.double().numpy() for numbers in poses)
    cos, sin, one, none = size * np.cos(turn), size * np.sin(turn), np.ones_like(x), 0 * x
    # unknown: u, v, largest and smallest x, largest and smallest y
    rows = (
        (cos, sin, -one, none, none, none),
        (-cos, -sin, none, one, none, none),
        (-sin, cos, none, none, -one, none),
        (sin, -cos, none, none, none, one),
    )
    found = linprog(
        [0, 0, 1, -1, 1, -1],
        A_ub=np.concatenate([np.stack(row, axis=1) for row in rows]),
        b_ub=np.concatenate([-x, x, -y, y]),
        bounds=[(-1, 1)] * 2 + [(None, None)] * 4,
    )
    if found.x is None:
        return 0.0, 0.0
    return float(found.x[0]), float(found.x[1])


def within_turn(turn: Float[Tensor, " batch"], order: Float[Tensor, " batch"]) -> Tensor:
    """Returns turns from 0 to 2 pi / order, as a shape of such symmetry shows them."""
    return turn.remainder(2 * math.pi / order)
