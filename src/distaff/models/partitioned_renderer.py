"""The renderer that is learnt from some labels, and its posterior by drawing and comparing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from distaff.data import FactorDataset
from distaff.errors import UsageError
from distaff.likelihoods import Bernoulli
from distaff.models.base import Player
from distaff.models.doubting import Doubting
from distaff.models.parts import STD, Part, Partitioned, Parts, Probabilities, ValueIndices
from distaff.nets import LocalizedEncoder, unrounded
from distaff.nets.encoder import EncoderConfig
from distaff.nets.renderer.comparison import log_likelihood, log_likelihood_of_whole
from distaff.nets.renderer.doubt import doubts, largest_misfit
from distaff.nets.renderer.extractor import window
from distaff.nets.renderer.localizer import Located, localize
from distaff.nets.renderer.memory import Memory, splat
from distaff.nets.renderer.pose_map import PoseMap, Values
from distaff.nets.renderer.renderer import render
from distaff.probability.gaussian import DiagonalGaussian
from distaff.registry import check_kind
from distaff.types import (
    Batch,
    Context,
    DataSpec,
    Images,
    Latents,
    LossTerms,
    Noise,
    Outputs,
    Settings,
)

ROLES = ("shape", "scale", "turn", "x", "y")
SCALES = 2
"""Scales next to the one that the area speaks for."""
BEST = 12
"""Values of shape, scale and turn whose neighbouring places are tried as well."""
CHUNK = 256
"""Pictures whose candidates are held at once."""
FEWEST_LABELS = 6
"""Pictures that settle where places begin and how far apart they are, with some to spare."""
LEAST = 1e-6
"""Probability of a value that was not tried."""
Candidates = Int[Tensor, "batch candidate 5"]
"""Indices of values in the order of the parts."""


class PartitionedRenderer(Doubting, Partitioned):
    """A renderer of sprites, learnt from labelled pictures, with four latents for each factor.

    Before the first step it finds from the labelled pictures how values stand for places, sizes and
    turns (`PoseMap`), and writes what each shape looks like into a memory; then it reads unlabelled
    pictures with that and writes the memory again, finer, from all of them. The posterior of a
    picture is p(y|x) ~ p(x|y) over the values of all factors, found by drawing the values that area
    and centroid speak for, and comparing; its latents are the places of the likeliest ones, on arcs
    as in the partitioned VAE. The steps train an encoder, on labelled pictures and on pictures that
    the renderer draws, which takes the place of the search if `posterior` is "feed-forward".
    They minimise

        sum_j E[-log q(y_j|x)]  over labelled pictures, plus the same over drawn ones.

    Prior knowledge: there is one sprite on black, and factors are its shape, scale, turn and place.

    Reference: "Rendering images with latent semi-supervision", assignment of the course CS 699 of
    the University of Southern California, tasks 2 and 3; Hinton, Dayan, Frey, Neal 1995, "The
    wake-sleep algorithm for unsupervised neural networks".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Partitioned.Config):
        """Settings of the renderer; the names of the factors are those of dSprites."""

        latents: int = 20
        """Four for each of the five factors."""
        shape: str = "shape"
        """Factor of the shape."""
        scale: str = "scale"
        """Factor of the size, whose values are proportional to it."""
        turn: str = "orientation"
        """Factor of the turn, whose values are radians."""
        x: str = "posX"
        """Factor of the horizontal place."""
        y: str = "posY"
        """Factor of the vertical place."""
        posterior: Literal["refined", "feed-forward"] = "refined"
        """Whether pictures are read by drawing and comparing, or by the encoder."""
        encoder: EncoderConfig = field(default_factory=LocalizedEncoder.Config)
        """Net from image to a number for each value, one of `distaff list nets`."""
        side: int = 240
        """Cells along the side of a template."""
        unlabelled: int = 4096
        """Unlabelled pictures from which the memory is written again; 0 for none."""

        def __post_init__(self) -> None:
            """Refuses templates of no size or a huge one."""
            super().__post_init__()
            check_kind(self.encoder, EncoderConfig, "encoder")
            for name, low, high in (("side", 8, 1024), ("unlabelled", 0, 100_000)):
                if not low <= getattr(self, name) <= high:
                    given = getattr(self, name)
                    raise ValueError(f"{name} is {given}; it must be from {low} to {high}")

    config: Config
    supervised = True
    table: Tensor
    span: Tensor
    largest_misfit: Tensor

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        _check_factors(config, spec)
        parts = Parts(spec, (config.turn,))
        role_of = {getattr(config, role): role for role in ROLES}
        self.roles = tuple(role_of[part.name] for part in parts)
        """The role of each part."""
        if config.latents != parts.latents:
            raise UsageError(
                f"latents is {config.latents}, and the {len(parts)} factors take {parts.latents}; "
                f"give that with --model.latents."
            )
        self.likelihood = Bernoulli.Config().build()
        self.encoder = config.encoder.build(spec.image_shape, parts.values)
        self.parts = parts
        shapes = self._part("shape").size
        self.memory = Memory(shapes, config.side)
        self.poses = PoseMap(shapes, *spec.image_shape[1:])
        self.register_buffer("largest_misfit", torch.tensor(torch.inf))
        self.register_buffer("table", torch.ones(parts.values))
        self.register_buffer("span", torch.tensor(min(spec.image_shape[1:])))

    @torch.no_grad()
    def begin(self, images: FactorDataset, *, seed: int) -> None:
        """Learns pose map and memory from the labelled pictures, and the memory from others too.

        Raises:
            UsageError: too few pictures are labelled, one of them is black, or the values of scale
                or place do not rise.
        """
        labelled = images.labelled.nonzero()[:, 0]
        if len(labelled) < FEWEST_LABELS:
            raise UsageError(
                f"{len(labelled)} training pictures are labelled, and at least {FEWEST_LABELS} are "
                f"needed; give more with --data.labelled."
            )
        self._write_table(images)
        planes = images.images_at(labelled).mean(dim=1)
        values = self._values(self.parts.values_of(images.factors_at(labelled)))
        self.poses.fit(planes, values)
        self._write(planes, values)
        self.span.fill_(2 * math.ceil(float(self.poses.size * self._table("scale").max())) + 2)
        others = (~images.labelled).nonzero()[:, 0]
        order = torch.randperm(len(others), generator=torch.Generator().manual_seed(seed))
        others = others[order[: self.config.unlabelled]]
        if len(others):
            more = images.images_at(others).mean(dim=1)
            every = torch.cat([planes, more])
            for _ in range(2):
                read = self._values(self._search(more)[1])
                known = Values(*(torch.cat(pair) for pair in zip(values, read, strict=True)))
                self._write(every, known)
        self.largest_misfit.copy_(largest_misfit(planes, self._explained(planes, values)))

    @property
    def players(self) -> Mapping[str, Player]:
        """One player, which trains the encoder; the renderer is learnt before the first step."""
        return {"encoder": Player(self.encoder_terms, self.objective, ("encoder",))}

    def log_probabilities(self, images: Images) -> Probabilities:
        """Returns log p(y|x) of each value; as in `Partitioned.log_probabilities`."""
        return self._read(images)[0]

    def posterior_and_doubts(self, images: Images) -> tuple[DiagonalGaussian, Int[Tensor, " row"]]:
        """Returns the latents of images and what to think of them; as in `Doubting`."""
        index = self._read(images)[1]
        planes = images.mean(dim=1)
        explained = self._explained(planes, self._values(index))
        return self._posterior(index), doubts(planes, explained, self.largest_misfit)

    def posterior(self, images: Images, context: Context | None = None) -> DiagonalGaussian:
        """Returns the latents of pictures without a warning; as in `GenerativeModel.posterior`."""
        self.check_context(context, len(images))
        return self._posterior(self._read(images)[1])

    def outputs(self, latents: Latents, context: Context | None = None) -> Outputs:
        """Returns the logits of the drawn pictures; arguments as in `GenerativeModel.outputs`."""
        self.check_context(context, len(latents))
        channels, height, width = self.spec.image_shape
        address = self.parts.weights(latents, self._part("shape"))
        scale, turn, x, y = (
            self.parts.weights(latents, self._part(role)) @ self._table(role) for role in ROLES[1:]
        )
        # the pose does not depend on the shape, which the address says
        shape = torch.zeros(len(latents), dtype=torch.int64, device=latents.device)
        pose = self.poses.pose(Values(shape, scale, turn, x, y))
        drawn = render(self.memory(address), pose, height, width).clamp(0.001, 0.999)
        return drawn.logit()[:, None].expand(-1, channels, -1, -1)

    def prior_sample(self, count: int, generator: torch.Generator) -> Latents:
        """Draws a value of each factor, all equally likely."""
        return self.parts.places_of(self.parts.sample(count, generator))

    def sample_noise(self, batch_size: int, generator: torch.Generator) -> Noise:
        """Draws for each image a value of each factor, as an index, [batch, factor]."""
        return self.parts.sample(batch_size, generator)

    def encoder_terms(self, batch: Batch, noise: Noise) -> LossTerms:
        """Returns `cross_entropy` of labelled pictures and `sleep`, that of drawn ones."""
        with torch.no_grad():
            drawn = (self.outputs(self.parts.places_of(noise)) > 0).to(batch.images.dtype)
            factors = torch.full_like(batch.factors, -1)
            factors[:, [part.factor for part in self.parts]] = noise
        both = unrounded(self.encoder(torch.cat([batch.images, drawn])))
        real, dreamt = self.parts.log_probabilities(both).chunk(2)
        return {
            "cross_entropy": self.parts.cross_entropy(real, batch.factors),
            "sleep": self.parts.cross_entropy(dreamt, factors),
        }

    @staticmethod
    def objective(terms: LossTerms, settings: Settings) -> Tensor:  # noqa: ARG004
        """Returns the sum of the terms."""
        return terms["cross_entropy"] + terms["sleep"]

    def _read(self, images: Images) -> tuple[Probabilities, ValueIndices]:
        """Log-probabilities of all values, and the likeliest ones."""
        if self.config.posterior == "refined":
            return self._search(images.mean(dim=1))
        shares = self.parts.log_probabilities(unrounded(self.encoder(images)))
        return shares, self.parts.likeliest(shares)

    def _posterior(self, index: ValueIndices) -> DiagonalGaussian:
        mean = self.parts.places_of(index)
        return DiagonalGaussian(mean, torch.full_like(mean, math.log(STD)))

    def _explained(
        self, planes: Float[Tensor, "batch height width"], values: Values
    ) -> Float[Tensor, " batch"]:
        """Log-likelihood of whole pictures as they were read, in nats."""
        pose = self.poses.pose(values)
        templates, side = self.memory.templates, int(self.span)
        return log_likelihood_of_whole(planes, templates, values.shape, pose, side=side)

    def _part(self, role: str) -> Part:
        return self.parts.listed[self.roles.index(role)]

    def _table(self, role: str) -> Float[Tensor, " value"]:
        """What each value of a factor is in its unit."""
        return self.table[self._part(role).values]

    def _write_table(self, images: FactorDataset) -> None:
        """Notes what each value is in its factor's unit, the mean where an index is a range.

        Raises:
            UsageError: values of size or place do not rise, or a size is not above 0.
        """
        factors = images.factors_at(torch.arange(len(images)))
        for part in self.parts:
            index, own = factors[:, part.factor], images.values[:, part.factor].float()
            total = torch.zeros(part.size).index_add(0, index, own)
            self.table[part.values] = total / torch.bincount(index, minlength=part.size).clamp(1)
        for role in ("scale", "x", "y"):
            table = self._table(role)
            if not bool((table.diff() > 0).all()) or (role == "scale" and not table[0] > 0):
                raise UsageError(
                    f"the values of {self._part(role).name} are {_first(table)}; this model needs "
                    f"such as rise{', all above 0' if role == 'scale' else ''}."
                )

    def _values(self, index: Int[Tensor, "*batch part"]) -> Values:
        """What indices of values, in the order of the parts, stand for."""
        columns = dict(zip(self.roles, index.unbind(dim=-1), strict=True))
        return Values(columns["shape"], *(self._table(role)[columns[role]] for role in ROLES[1:]))

    def _write(self, planes: Float[Tensor, "batch height width"], values: Values) -> None:
        slots, side = self.memory.logits.shape[:2]
        pose = self.poses.pose(values)
        self.memory.write(splat(planes, values.shape, pose, slots=slots, side=side))

    def _search(
        self, planes: Float[Tensor, "batch height width"]
    ) -> tuple[Probabilities, ValueIndices]:
        """Log-probabilities of all values, and the likeliest values of all factors together."""
        with torch.no_grad():
            found = [self._search_some(some) for some in planes.split(CHUNK)]
        return torch.cat([one for one, _ in found]), torch.cat([best for _, best in found])

    def _search_some(
        self, planes: Float[Tensor, "batch height width"]
    ) -> tuple[Probabilities, ValueIndices]:
        located = localize(planes[:, None])
        cut, left, top = window(planes, located.x, located.y, int(self.span))
        first = self._proposed(located)
        scores = self._scores(cut, left, top, first)
        best = scores.topk(BEST, dim=1).indices
        near = self._neighbours(first.gather(1, best[:, :, None].expand(-1, -1, len(ROLES))))
        every = torch.cat([first, near], dim=1)
        scores = torch.cat([scores, self._scores(cut, left, top, near)], dim=1)
        shares, likeliest = scores.softmax(dim=1), scores.argmax(dim=1)
        probabilities = planes.new_zeros(len(planes), self.parts.values)
        for part, value in zip(self.parts, every.clamp(min=0).unbind(dim=2), strict=True):
            probabilities[:, part.values].scatter_add_(1, value, shares)
        index = every[torch.arange(len(planes), device=planes.device), likeliest]
        return probabilities.clamp(min=LEAST).log(), index

    def _proposed(self, located: Located) -> Candidates:
        """Scales as the area says, of each shape and turn, and the place that the centroid says."""
        shapes, scales, turns = (self._part(role).size for role in ROLES[:3])
        batch, device = len(located.area), located.area.device
        wanted = (located.area[:, None] / self.poses.area).sqrt()
        few = min(SCALES, scales)
        below = torch.searchsorted(self._table("scale"), wanted) - 1
        lowest = below.clamp(0, scales - few)
        scale = lowest[:, :, None] + torch.arange(few, device=device)
        shape = torch.arange(shapes, device=device)[:, None, None].expand(batch, -1, few, turns)
        turn = torch.arange(turns, device=device).expand(batch, shapes, few, turns)
        scale = scale[:, :, :, None].expand_as(turn)
        x, y = self.poses.places_from_centroid(
            shape,
            self._table("scale")[scale],
            self._table("turn")[turn],
            located.x[:, None, None, None].expand(shape.shape),
            located.y[:, None, None, None].expand(shape.shape),
        )
        x, y = _nearest(self._table("x"), x), _nearest(self._table("y"), y)
        found = dict(zip(ROLES, (shape, scale, turn, x, y), strict=True))
        return torch.stack([found[role] for role in self.roles], dim=-1).flatten(1, 3)

    def _neighbours(self, candidates: Candidates) -> Int[Tensor, "batch neighbour 5"]:
        """The eight places around each; those beyond the last place have the index -1."""
        one = torch.arange(-1, 2, device=candidates.device)
        steps = torch.cartesian_prod(one, one)
        steps = steps[steps.abs().sum(dim=1) > 0]
        moved = candidates[:, :, None, :].repeat(1, 1, len(steps), 1)
        for axis, role in enumerate(("x", "y")):
            column = self.roles.index(role)
            place = moved[..., column] + steps[:, axis]
            moved[..., column] = torch.where(place < self._part(role).size, place, -1)
        return moved.flatten(1, 2)

    def _scores(
        self,
        cut: Float[Tensor, "batch side side"],
        left: Int[Tensor, " batch"],
        top: Int[Tensor, " batch"],
        candidates: Candidates,
    ) -> Float[Tensor, "batch candidate"]:
        """Log-likelihoods in nats; minus infinity for places that there are not."""
        values = self._values(candidates.clamp(min=0))
        pose = self.poses.pose(values)
        pose = pose.moved(-left[:, None].float(), -top[:, None].float())
        scores = log_likelihood(cut, self.memory.templates, values.shape, pose)
        return scores.where((candidates >= 0).all(dim=-1), -torch.inf)


def _first(table: Float[Tensor, " value"]) -> str:
    """Some numbers as a person writes them."""
    return ", ".join(f"{number:g}" for number in table[:6].tolist())


def _nearest(table: Float[Tensor, " value"], numbers: Tensor) -> Tensor:
    """The index of the nearest of values in rising order."""
    return torch.searchsorted((table[1:] + table[:-1]) / 2, numbers.contiguous())


def _check_factors(config: PartitionedRenderer.Config, spec: DataSpec) -> None:
    """Refuses data whose factors that vary are not shape, scale, turn and place."""
    pairs = zip(spec.factor_names, spec.factor_sizes, strict=False)
    varying = [name for name, size in pairs if size > 1]
    wanted = [str(getattr(config, role)) for role in ROLES]
    if sorted(wanted) != sorted(varying):
        raise UsageError(
            f"this model is for pictures whose factors are {', '.join(wanted)}, and here "
            f"{', '.join(varying) or 'none'} vary; name them with --model.shape and so on, or take "
            f"a partitioned-vae."
        )
