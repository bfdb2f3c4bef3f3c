"""Poses as latents that are standard normal when sprites are spread evenly."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from distaff.nets.renderer.pose import Pose
from distaff.nets.renderer.symmetry import frame_origin, within_turn
from distaff.types import Latents

LATENTS = ("shape", "size", "turn", "x", "y")
FAR = 3.5
"""Largest absolute value of a latent; beyond it lies a 4000th of an even spread."""
SOFT = 0.01
"""Over how much of the shapes' shares one template passes into the next."""


class PoseCode(nn.Module):
    """The map between what a sprite is and five latents: shape, size, turn, x and y.

    Each is a share between 0 and 1 - of the range of sizes or places, of a full turn, of the
    pictures with the shapes before it - and its latent is the normal quantile of that share.
    """

    low: Tensor
    high: Tensor
    size_low: Tensor
    size_high: Tensor
    origin: Tensor
    order: Tensor
    edges: Tensor

    def __init__(self, slots: int, height: int, width: int) -> None:
        super().__init__()
        ones, none = torch.ones(slots), torch.zeros(slots)
        self.register_buffer("low", torch.zeros(2))
        self.register_buffer("high", torch.tensor([width, height], dtype=torch.float32))
        self.register_buffer("size_low", ones * 1.0)
        self.register_buffer("size_high", ones * min(height, width) / 2)
        self.register_buffer("origin", torch.zeros(slots, 2))
        self.register_buffer("order", ones.clone())
        self.register_buffer("edges", torch.cat([none[:1], (ones / slots).cumsum(0)]))

    def fit(
        self,
        slot: Int[Tensor, " batch"],
        pose: Pose,
        order: Float[Tensor, " slot"],
    ) -> None:
        """Takes ranges, shares and origins from sprites that were found.

        Args:
            slot: of each.
            pose: of the frame of its template, in pixels.
            order: symmetry of each template.
        """
        slots = len(self.order)
        counts = torch.bincount(slot, minlength=slots).float()
        self.edges.copy_(torch.cat([torch.zeros(1), (counts / counts.sum()).cumsum(0)]))
        self.order.copy_(order)
        for k in counts.nonzero()[:, 0].tolist():
            own = pose.at((slot == k).nonzero()[:, 0])
            self.origin[k] = torch.tensor(frame_origin(own))
            self.size_low[k], self.size_high[k] = _range(own.size)
        places = torch.stack(self.place(slot, pose), dim=1)
        for axis in range(2):
            self.low[axis], self.high[axis] = _range(places[:, axis])

    def place(
        self, slot: Int[Tensor, " batch"], pose: Pose
    ) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """Returns x and y of the origin of each sprite, in pixels."""
        return pose.point(self.origin[slot, 0], self.origin[slot, 1])

    def latents(self, slot: Int[Tensor, " batch"], pose: Pose) -> Latents:
        """Returns the latents of sprites, between -3.5 and 3.5."""
        size = (pose.size - self.size_low[slot]) / self._size_range()[slot]
        turn = within_turn(pose.turn, self.order[slot]) / (2 * math.pi)
        shape = (self.edges[slot] + self.edges[slot + 1]) / 2
        places = torch.stack(self.place(slot, pose), dim=1)
        x, y = ((places - self.low) / (self.high - self.low)).unbind(dim=1)
        shares = torch.stack([shape, size, turn, x, y], dim=1)
        edge = 0.5 * math.erfc(FAR / math.sqrt(2))
        latents: Latents = torch.special.ndtri(shares.clamp(edge, 1 - edge))
        return latents

    def sprites(self, latents: Latents) -> tuple[Float[Tensor, "batch slot"], Pose]:
        """Returns the address of the template and the pose of its frame; differentiable."""
        shape, size, turn, x, y = torch.special.ndtr(latents).unbind(dim=1)
        begin, end = self.edges[:-1], self.edges[1:]
        inside = ((shape[:, None] - begin) / SOFT).sigmoid() * (
            (end - shape[:, None]) / SOFT
        ).sigmoid()
        address = inside * (end > begin)
        address = address / address.sum(dim=1, keepdim=True)
        origin = address @ self.origin
        frame = Pose(
            self.low[0] + x * (self.high[0] - self.low[0]),
            self.low[1] + y * (self.high[1] - self.low[1]),
            address @ self.size_low + size * (address @ self._size_range()),
            turn * (2 * math.pi),
        )
        across, down = frame._replace(x=0 * x, y=0 * y).point(origin[:, 0], origin[:, 1])
        return address, frame.moved(-across, -down)

    def _size_range(self) -> Float[Tensor, " slot"]:
        return self.size_high - self.size_low


def _range(numbers: Float[Tensor, " batch"]) -> tuple[float, float]:
    """Where an even spread begins and ends, from all but the outermost hundredth at either end."""
    low, high = (float(numbers.quantile(share)) for share in (0.01, 0.99))
    beyond = max(high - low, 0.01) / 98
    return low - beyond, high + beyond
