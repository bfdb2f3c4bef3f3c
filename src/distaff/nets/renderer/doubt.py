"""Which pictures a renderer should not be trusted on."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from distaff.nets.renderer.localizer import localize

Planes = Float[Tensor, "batch height width"]
DOUBTS = ("none", "empty", "cut by the border", "unlike every template")
SMALLEST = 4.0
"""Pixels of a sprite, at least."""
UNLIKE = 2.0
"""How many times worse than all but a hundredth of the training pictures is not explained."""


def misfit(planes: Planes, log_likelihood: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """Returns how badly pictures are explained: nats for each root of a bright pixel.

    Most of the nats are lost along the outline, whose length goes as that root.
    """
    return -log_likelihood / localize(planes[:, None]).area.clamp(min=SMALLEST).sqrt()


def largest_misfit(planes: Planes, log_likelihood: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Returns the misfit from which on a picture counts as unlike those that were learnt from."""
    return UNLIKE * misfit(planes, log_likelihood).quantile(0.99)


def doubts(
    planes: Planes, log_likelihood: Float[Tensor, " batch"], largest: Float[Tensor, ""]
) -> Int[Tensor, " batch"]:
    """Returns why not to trust what was read from each picture, as an index of `DOUBTS`.

    Args:
        planes: pictures of one channel, in [0, 1].
        log_likelihood: of each as it was read, in nats.
        largest: the misfit that is still trusted.
    """
    sides = (planes[:, 0], planes[:, -1], planes[:, :, 0], planes[:, :, -1])
    border = torch.cat(sides, dim=1).amax(dim=1)
    doubt = torch.where(misfit(planes, log_likelihood) > largest, 3, 0)
    return doubt.where(border <= 0.5, 2).where(localize(planes[:, None]).area >= SMALLEST, 1)
