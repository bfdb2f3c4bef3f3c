"""The classifier of shape and turn that is a net, learnt from the posteriors of the exact one."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn


class RingNet(nn.Module):
    """Rings around a sprite to a number for each slot and turn.

    Its convolutions run around the rings, so that a turned picture gives turned numbers.
    """

    def __init__(self, radii: int, slots: int, width: int = 64) -> None:
        super().__init__()
        sizes = (radii, width, width, width)
        layers: list[nn.Module] = []
        for inside, outside in pairwise(sizes):
            layers += [
                nn.Conv1d(inside, outside, 9, padding=4, padding_mode="circular"),
                nn.ReLU(inplace=True),
            ]
        self.local = nn.Sequential(*layers)
        self.whole = nn.Linear(width, width)
        self.last = nn.Conv1d(width, slots, 33, padding=16, padding_mode="circular")

    def forward(
        self, crops: Float[Tensor, "batch radius angle"]
    ) -> Float[Tensor, "batch slot angle"]:
        """Returns unnormalised log-probabilities."""
        local = self.local(crops)
        gate = self.whole(local.mean(dim=2)).sigmoid()
        numbers: Tensor = self.last(local * gate[:, :, None])
        return numbers
