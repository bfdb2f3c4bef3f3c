r"""Expectations under a standard normal: unbiased for any function, exact for a quadratic one.

With a uniformly random orthogonal matrix of columns q_1 .. q_n and rho^2 ~ chi^2(n + 2),

    (1 - n / rho^2) f(0) + 1 / (2 rho^2) sum_j (f(rho q_j) + f(-rho q_j))

has the expectation E f(e), e ~ N(0, I_n), and equals it where f is a polynomial of degree 3 or
less (Genz & Monahan 1998, "Stochastic integration rules for infinite regions", SIAM Journal on
Scientific Computing 19, the spherical-radial rule of degree 3).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Rule(NamedTuple):
    """Points and weights: E f(e) is estimated by the sum of weight times f(point)."""

    points: Float[Tensor, "point latent"]
    """Standard normal noise, of several rotations; the first point is 0."""
    weights: Float[Tensor, " point"]
    """They sum to 1, and that of the first point may be negative."""


def spherical_radial(least: int, latents: int, generator: torch.Generator) -> Rule:
    """Draws the rule, the mean of as many rotations as give `least` points or more.

    Args:
        least: points beside the one at 0, of which each rotation gives 2 * latents.
        latents: n.
        generator: decides rotations and radii.

    Returns:
        Points and weights, float64, on the generator's device.
    """
    rotations = -(-least // (2 * latents))
    shape = (rotations, latents + 1, latents)
    normal = torch.randn(shape, generator=generator, dtype=torch.float64, device=generator.device)
    more = torch.randn(
        (rotations, 2), generator=generator, dtype=torch.float64, device=generator.device
    )
    # signs of the columns, which qr leaves to chance, do not matter: both are taken
    orthogonal = torch.linalg.qr(normal[:, 1:]).Q.mT
    square = normal[:, 0].square().sum(dim=1) + more.square().sum(dim=1)
    halves = (square.sqrt()[:, None, None] * orthogonal).flatten(0, 1)
    weights = (0.5 / square / rotations).repeat_interleave(latents)
    centre = 1 - 2 * weights.sum(dim=0, keepdim=True)
    return Rule(
        torch.cat([torch.zeros_like(halves[:1]), halves, -halves]),
        torch.cat([centre, weights, weights]),
    )
