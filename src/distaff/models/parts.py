"""Latents in named parts, one for each factor, in which every value has a place of its own."""

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from distaff.errors import UsageError
from distaff.models.generative import GenerativeModel
from distaff.models.inputs import takes_pictures
from distaff.types import DataSpec, Factors, Images

WAVES = (1, 2)
"""Turns along a whole circle. The second lets a linear classifier bend: with the first alone some
wrong values far away make it misread a twentieth of the 39 turns of dSprites."""
WIDTH = 2 * len(WAVES)
"""Latents of a part."""
RADIUS = math.sqrt(2)
"""Of the arcs: a coordinate on a whole circle then has the mean square 1, that of N(0, 1)."""
STD = 0.01
"""Of the latents of a part around their mean. Neighbours of 32 values on a half circle are 0.14
apart."""

Probabilities = Float[Tensor, "batch value"]
"""Of the values of all factors, one factor after the other."""
ValueIndices = Int[Tensor, "batch part"]
"""Index of the value of each factor, in the order of the parts."""


class Part(NamedTuple):
    """What belongs to one factor."""

    name: str
    factor: int
    """Its place among the factors of the data set."""
    size: int
    """Number of values."""
    values: slice
    """Columns of `Probabilities`."""
    latents: slice
    """Columns of the latents."""


class Parts(nn.Module):
    """For each factor that varies four latents, in which its values lie along an arc.

    A value is an angle, evenly over a half circle, or over a whole one if the factor comes round
    again as an orientation does; its latents are cosine and sine of the angle and of its double.
    Any value is then told from all others by a linear classifier, however many there are, which no
    order along a straight line allows; and between two values lie those between them.
    """

    places: Tensor

    def __init__(self, spec: DataSpec, circles: Sequence[str]) -> None:
        """Lays out the parts.

        Args:
            spec: of the data set.
            circles: names of factors that come round again, whose last value is the first.

        Raises:
            UsageError: no factor varies, or there is no factor of such a name.
        """
        super().__init__()
        for name in circles:
            spec.index_of(name)
        self.circles = tuple(circles)
        self.listed: list[Part] = []
        start = 0
        for factor, size in enumerate(spec.factor_sizes):
            if size > 1:
                number = len(self.listed)
                name = spec.factor_names[factor] if spec.factor_names else f"factor {factor}"
                values = slice(start, start + size)
                latents = slice(WIDTH * number, WIDTH * (number + 1))
                self.listed.append(Part(name, factor, size, values, latents))
                start += size
        if not self.listed:
            raise UsageError("no factor varies in this data set; a part of latents needs one.")
        places = [_arc(part.size, part.name in circles) for part in self.listed]
        self.register_buffer("places", torch.cat(places), persistent=False)

    def __iter__(self) -> Iterator[Part]:
        return iter(self.listed)

    def __len__(self) -> int:
        return len(self.listed)

    @property
    def values(self) -> int:
        """Number of values of all factors together."""
        return sum(part.size for part in self.listed)

    @property
    def latents(self) -> int:
        """Latents of all parts together."""
        return WIDTH * len(self.listed)

    def mean(self, probabilities: Probabilities) -> Float[Tensor, "batch latent"]:
        """Returns where the values lie in the mean, which is a place where one is certain."""
        return torch.cat(
            [probabilities[:, part.values] @ self.places[part.values] for part in self.listed],
            dim=1,
        )

    def log_probabilities(self, outputs: Float[Tensor, "batch output"]) -> Probabilities:
        """Returns log-probabilities of the values from a net's outputs, a number for each value."""
        each = [outputs[:, part.values].log_softmax(dim=1) for part in self.listed]
        return torch.cat(each, dim=1)

    def likeliest(self, log_probabilities: Probabilities) -> ValueIndices:
        """Returns the likeliest value of each factor."""
        best = [log_probabilities[:, part.values].argmax(dim=1) for part in self.listed]
        return torch.stack(best, dim=1)

    def cross_entropy(
        self, log_probabilities: Probabilities, factors: Factors
    ) -> Float[Tensor, ""]:
        """Returns -log of the probability of the known values, in nats.

        It is the sum over factors of the mean over the images whose value is known, 0 where there
        is none; unknown values are -1.
        """
        total = torch.zeros((), device=log_probabilities.device)
        for part in self.listed:
            value = factors[:, part.factor]
            own = log_probabilities[:, part.values]
            nats = functional.nll_loss(own, value, ignore_index=-1, reduction="sum")
            total = total + nats / (value >= 0).sum().clamp(min=1)
        return total

    def sample(self, count: int, generator: torch.Generator) -> ValueIndices:
        """Draws values, all equally likely, on the generator's device."""
        values = [
            torch.randint(part.size, (count,), generator=generator, device=generator.device)
            for part in self.listed
        ]
        return torch.stack(values, dim=1)

    def weights(
        self, latents: Float[Tensor, "batch latent"], part: Part
    ) -> Float[Tensor, "batch value"]:
        """Returns how much of each value a part of the latents holds; differentiable.

        A place on the arc between two values holds so much of either as it is near them; one that
        is not on the arc counts as the nearest place that is.
        """
        x, y = latents[:, part.latents][:, :2].unbind(dim=1)
        turn = torch.atan2(y, x)
        if part.name in self.circles:
            share = turn.remainder(2 * math.pi) / (2 * math.pi)
        else:
            # below the half circle the nearer of its two ends
            share = torch.where(y < 0, (x < 0).to(x.dtype), turn / math.pi)
        place = share * (part.size - 1)
        values = torch.arange(part.size, device=place.device, dtype=place.dtype)
        return (1 - (place[:, None] - values).abs()).clamp(min=0)

    def places_of(self, values: ValueIndices) -> Float[Tensor, "batch latent"]:
        """Returns where values lie, those of all factors being known."""
        places = self.places.to(values.device)
        columns = zip(self.listed, values.unbind(dim=1), strict=True)
        return torch.cat([places[part.values][value] for part, value in columns], dim=1)

    def values_of(self, factors: Factors) -> ValueIndices:
        """Returns the values of the factors that have a part; -1 where they are unknown."""
        return factors[:, [part.factor for part in self.listed]]


class Partitioned(GenerativeModel):
    """A generative model whose latents are in parts, one for each factor."""

    parts: Parts

    @abstractmethod
    def log_probabilities(self, images: Images) -> Probabilities:
        """Returns the logarithm of how likely each value of each factor is.

        Args:
            images: [batch, channel, height, width] in [0, 1], as `prepare` returns them.
        """

    @takes_pictures
    def probabilities(self, images: Images) -> Probabilities:
        """Returns how likely each value of each factor is: a tensor of tensors, else an array.

        Args:
            images: pictures as `prepare` takes them.

        Returns:
            [batch, value], for one factor after the other; `parts` says which columns are whose.

        Raises:
            UsageError, DataError: as in `prepare`.
        """
        return self.log_probabilities(images).exp()

    @property
    def partition_indices(self) -> list[tuple[int, int]]:
        """The first latent of each factor's part and the one after the last."""
        return [(part.latents.start, part.latents.stop) for part in self.parts]


def _arc(size: int, whole: bool) -> Float[Tensor, "value latent"]:
    """Places of values on a circle, of which the last is the first, or on half of one."""
    turn = torch.linspace(0, 2 * math.pi if whole else math.pi, size)
    waves = [wave for k in WAVES for wave in ((k * turn).cos(), (k * turn).sin())]
    return RADIUS * torch.stack(waves, dim=1)
