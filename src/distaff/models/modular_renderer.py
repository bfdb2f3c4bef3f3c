"""The modular network: a picture read into shape, size, turn and place, and drawn again."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from distaff.data import FactorDataset
from distaff.errors import RunWarning, UsageError
from distaff.likelihoods import Bernoulli
from distaff.models.base import Player
from distaff.models.doubting import Doubting
from distaff.models.pictures import Pictures
from distaff.nets import unrounded
from distaff.nets.renderer.comparison import log_likelihood_of_whole, refine
from distaff.nets.renderer.doubt import SMALLEST, doubts, largest_misfit
from distaff.nets.renderer.extractor import polar_crop
from distaff.nets.renderer.localizer import localize
from distaff.nets.renderer.memory import Memory, splat
from distaff.nets.renderer.pose import Pose
from distaff.nets.renderer.pose_code import LATENTS, PoseCode
from distaff.nets.renderer.renderer import render
from distaff.nets.renderer.ring_net import RingNet
from distaff.nets.renderer.symmetry import symmetry_order
from distaff.nets.renderer.turns import (
    best_of,
    descend_rings,
    distinct,
    fit_rings,
    improved,
    log_likelihoods,
)
from distaff.probability.gaussian import DiagonalGaussian
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

SEARCHES = ((0.4, 0.03, 0.04), (0.15, 0.012, 0.016), (0.06, 0.005, 0.007))
"""Steps in x and y (pixels), size (share) and turn (radians), from coarse to fine; two of them to
either side are tried. Rings read the turn to within half of the first."""
STD = 0.02
"""Of the latents around their mean: of a place a third of a pixel, of a turn two degrees."""


class Sprites(NamedTuple):
    """What was read from pictures, each [batch]."""

    slot: Int[Tensor, " batch"]
    """The template."""
    frame: Pose
    """Of the frame of the template."""
    x: Float[Tensor, " batch"]
    """Of the sprite's origin, pixels from the left side."""
    y: Float[Tensor, " batch"]
    """Of the sprite's origin, pixels from the top."""
    log_likelihood: Float[Tensor, " batch"]
    """log p(picture | slot, pose), in nats."""
    doubt: Int[Tensor, " batch"]
    """Why not to trust the row, an index of `nets.renderer.doubt.DOUBTS`; 0 for no doubt."""


class ModularRenderer(Doubting):
    """Modules for pictures of one sprite on black, learnt from the pictures alone.

    A *localizer* finds area and centroid, an *extractor* cuts rings around it, a *classifier* names
    slot and turn, a *memory* holds a template for each slot, and a *renderer* draws the template
    again, which also corrects the pose by comparison with the picture.

    Training begins with expectation and maximisation over slot and turn on some of the pictures,
    or with gradient descent on the same likelihood, whose softmax over slots and turns is
    differentiable end to end. Slots with the same shape are merged, and the templates are written
    from the pixels of all pictures at their poses. The steps then train the classifier that is a
    net. They minimise

        -log p(c) + KL(p(k, t|c) || q(k, t|c)),    p(c) = mean over k, t of p(c|k, t),

    summed exactly over slots k and turns t, for the rings c around the sprite: the net q learns the
    posterior of the memory.

    The five latents are shape, size, turn, x and y (`PoseCode`). The origin of a frame is where
    the places span the smallest ranges; the zero of a turn is arbitrary, as no picture shows it.

    Reference: "Rendering images with latent semi-supervision", assignment of the course CS 699 of
    the University of Southern California, task 3; Frey & Jojic 2003, "Transformation-invariant
    clustering using the EM algorithm".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Doubting.Config):
        """Settings of the modular network."""

        latents: int = len(LATENTS)
        """Five: shape, size, turn, x and y."""
        slots: int = 16
        """Templates, more than there are shapes; those of one shape are merged."""
        learning: Literal["em", "gradient"] = "em"
        """How the memory is learnt before the first step: by expectation and maximisation, or by
        gradient descent from random templates, which takes longer and may get stuck."""
        posterior: Literal["refined", "feed-forward"] = "refined"
        """Whether poses are corrected by drawing them and comparing, or are as the localizer and
        the net say."""
        images: int = 3072
        """Training pictures from which the memory is learnt before the first step."""
        side: int = 200
        """Cells along the side of a template."""
        reach: float = 1.25
        """Half the side of a template, in roots of the area of the sprite; it has to hold it."""
        radii: int = 16
        """Rings around a sprite."""
        angles: int = 128
        """Turns that are told apart before poses are corrected."""

        def __post_init__(self) -> None:
            """Refuses other numbers of latents, and modules of no size or a huge one."""
            super().__post_init__()
            if self.latents != len(LATENTS):
                raise ValueError(
                    f"latents is {self.latents}; the modular network has {len(LATENTS)}, "
                    f"{', '.join(LATENTS)}"
                )
            for name, low, high in (
                ("slots", 1, 1024),
                ("images", 1, 100_000),
                ("side", 8, 1024),
                ("reach", 0.5, 5.0),
                ("radii", 2, 256),
                ("angles", 8, 1024),
            ):
                if not low <= getattr(self, name) <= high:
                    given = getattr(self, name)
                    raise ValueError(f"{name} is {given}; it must be from {low} to {high}")

    config: Config
    largest_misfit: Tensor
    side: Tensor

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        _, height, width = spec.image_shape
        self.likelihood = Bernoulli.Config().build()
        self.memory = Memory(config.slots, config.side)
        self.classifier = RingNet(config.radii, config.slots)
        self.code = PoseCode(config.slots, height, width)
        self.register_buffer("largest_misfit", torch.tensor(torch.inf))
        self.register_buffer("side", torch.tensor(min(height, width)))

    @torch.no_grad()
    def begin(self, images: FactorDataset, *, seed: int) -> None:
        """Learns memory and ranges from some of the pictures, without labels.

        Raises:
            UsageError: there are too few pictures that show a whole sprite.

        Warns:
            RunWarning: no slot is left over, so that there may be more shapes than slots.
        """
        planes = self._whole_sprites(images, seed)
        located = localize(planes[:, None])
        frame = self._first_frame(located.area)
        crops, pixels = self._rings(planes, located.x, located.y, frame)
        learn = fit_rings if self.config.learning == "em" else descend_rings
        many = learn(crops, pixels, self.config.slots, seed=seed)
        self.side.fill_(_side_around(planes))
        rings = improved(crops, pixels, many.templates[distinct(many.templates, many.shares)])
        slot, turn = best_of(log_likelihoods(crops, rings.templates, pixels))
        pose = Pose(located.x, located.y, frame, self._radians(turn))
        self._write(planes, slot, pose)
        # the templates tell turns, and shapes, apart better than the rings that they came from
        for _ in range(3):
            templates = self._ring_templates()
            counts = torch.bincount(slot, minlength=len(templates)).float()
            own = distinct(templates, counts)
            slot, turn = best_of(log_likelihoods(crops, templates[own], pixels))
            pose = Pose(located.x, located.y, frame, self._radians(turn))
            self._write(planes, slot, pose)
        for steps in SEARCHES:
            pose = self._refined(planes, slot, pose, steps)
            self._write(planes, slot, pose)
        order = [float(symmetry_order(template)) for template in self._ring_templates()]
        self.code.fit(slot, pose, torch.tensor(order))
        self.largest_misfit.copy_(largest_misfit(planes, self._explained(planes, slot, pose)))
        if self.shapes == self.config.slots:
            warnings.warn(
                f"all {self.config.slots} slots hold a shape of their own, so that there may be "
                f"more shapes than slots; give more with --model.slots.",
                RunWarning,
                stacklevel=2,
            )

    @property
    def shapes(self) -> int:
        """Slots that are left after merging; all of them before."""
        return int((self.code.edges.diff() > 0).sum())

    @property
    def players(self) -> Mapping[str, Player]:
        """One player, which trains the net; the memory is learnt before the first step."""
        return {"renderer": Player(self.renderer_terms, self.objective, ("classifier",))}

    def sample_noise(self, batch_size: int, generator: torch.Generator) -> Noise:
        """Draws nothing: slots and turns are summed over."""
        return torch.empty(batch_size, 0, device=generator.device)

    def renderer_terms(self, batch: Batch, noise: Noise) -> LossTerms:  # noqa: ARG002
        """Returns `nll`, -log p(c) of the rings around each sprite, and `kl` of the net."""
        planes = batch.images.mean(dim=1)
        located = localize(batch.images)
        crops, pixels = self._rings(planes, located.x, located.y, self._first_frame(located.area))
        templates = self._ring_templates().detach()
        joint = log_likelihoods(crops, templates, pixels) + self._present()[:, None]
        log_exact = joint.flatten(1).log_softmax(dim=1)
        log_net = unrounded(self.classifier(crops)).flatten(1).log_softmax(dim=1)
        exact = log_exact.exp()
        # a slot that is left empty has probability 0, whose logarithm would make 0 x infinity
        apart = exact * (log_exact.clamp(min=-1e9) - log_net)
        evenly = math.log(self.shapes * self.config.angles)
        return {
            "nll": (evenly - joint.flatten(1).logsumexp(dim=1)).mean(),
            "kl": apart.sum(dim=1).mean(),
        }

    @staticmethod
    def objective(terms: LossTerms, settings: Settings) -> Tensor:  # noqa: ARG004
        """Returns the sum of the terms."""
        return terms["nll"] + terms["kl"]

    def sprites(self, pictures: Pictures) -> Sprites:
        """Reads pictures: which template, where, how large, how far turned, and how sure.

        Args:
            pictures: as `prepare` takes them.

        Raises:
            UsageError, DataError: as in `prepare`.
        """
        with torch.no_grad():
            return self._read(self.prepare(pictures))

    def posterior_and_doubts(self, images: Images) -> tuple[DiagonalGaussian, Int[Tensor, " row"]]:
        """Returns the latents of images and what to think of them; as in `Doubting`."""
        found = self._read(images)
        return self._posterior(found), found.doubt

    def posterior(self, images: Images, context: Context | None = None) -> DiagonalGaussian:
        """Returns the latents of pictures without a warning; as in `GenerativeModel.posterior`."""
        self.check_context(context, len(images))
        return self._posterior(self._read(images))

    def outputs(self, latents: Latents, context: Context | None = None) -> Outputs:
        """Returns the logits of the drawn pictures; arguments as in `GenerativeModel.outputs`."""
        self.check_context(context, len(latents))
        address, pose = self.code.sprites(latents)
        channels, height, width = self.spec.image_shape
        drawn = render(self.memory(address), pose, height, width).clamp(0.001, 0.999)
        return drawn.logit()[:, None].expand(-1, channels, -1, -1)

    def _read(self, images: Images) -> Sprites:
        planes = images.mean(dim=1)
        located = localize(images)
        frame = self._first_frame(located.area)
        crops, pixels = self._rings(planes, located.x, located.y, frame)
        refined = self.config.posterior == "refined"
        shares = (
            log_likelihoods(crops, self._ring_templates(), pixels)
            if refined
            else self.classifier(crops)
        )
        slot, turn = best_of(shares + self._present()[:, None])
        pose = Pose(located.x, located.y, frame, self._radians(turn))
        for steps in SEARCHES if refined else ():
            pose = self._refined(planes, slot, pose, steps)
        score = self._explained(planes, slot, pose)
        doubt = doubts(planes, score, self.largest_misfit)
        return Sprites(slot, pose, *self.code.place(slot, pose), score, doubt)

    def _posterior(self, found: Sprites) -> DiagonalGaussian:
        mean = self.code.latents(found.slot, found.frame)
        return DiagonalGaussian(mean, torch.full_like(mean, math.log(STD)))

    def _present(self) -> Float[Tensor, " slot"]:
        """0 for slots that hold a shape, minus infinity for those left empty by merging."""
        return torch.where(self.code.edges.diff() > 0, 0.0, -torch.inf)

    def _first_frame(self, area: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        return self.config.reach * area.clamp(min=SMALLEST).sqrt()

    def _rings(
        self,
        planes: Float[Tensor, "batch height width"],
        x: Float[Tensor, " batch"],
        y: Float[Tensor, " batch"],
        frame: Float[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch radius angle"], Float[Tensor, " batch"]]:
        """Rings out to the sides of the frame, and the pixels that they cover."""
        config = self.config
        crops = polar_crop(planes, x, y, frame, radii=config.radii, angles=config.angles)
        return crops, math.pi * frame.square()

    def _ring_templates(self) -> Float[Tensor, "slot radius angle"]:
        """The templates as rings; cells are averaged first, since rings are further apart."""
        config = self.config
        side = min(config.side, 4 * config.radii)
        templates = functional.adaptive_avg_pool2d(self.memory.templates[:, None], side)[:, 0]
        half = torch.full(templates.shape[:1], side / 2, device=templates.device)
        return polar_crop(templates, half, half, half, radii=config.radii, angles=config.angles)

    def _radians(self, turn: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        return turn * (2 * math.pi / self.config.angles)

    def _write(
        self, planes: Float[Tensor, "batch height width"], slot: Int[Tensor, " batch"], pose: Pose
    ) -> None:
        self.memory.write(splat(planes, slot, pose, slots=self.config.slots, side=self.config.side))

    def _refined(
        self,
        planes: Float[Tensor, "batch height width"],
        slot: Int[Tensor, " batch"],
        pose: Pose,
        steps: tuple[float, float, float],
    ) -> Pose:
        side = int(self.side)
        return refine(planes, self.memory.templates, slot, pose, steps=steps, side=side)

    def _explained(
        self, planes: Float[Tensor, "batch height width"], slot: Int[Tensor, " batch"], pose: Pose
    ) -> Float[Tensor, " batch"]:
        return log_likelihood_of_whole(
            planes, self.memory.templates, slot, pose, side=int(self.side)
        )

    def _whole_sprites(
        self, images: FactorDataset, seed: int
    ) -> Float[Tensor, "batch height width"]:
        """Some training pictures that are not empty and do not reach the border."""
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        planes = images.images_at(order[: self.config.images]).float().mean(dim=1).cpu()
        inside = planes[:, 1:-1, 1:-1].sum(dim=(1, 2))
        whole = (planes.sum(dim=(1, 2)) - inside < 0.5) & (inside >= SMALLEST)
        if int(whole.sum()) < self.config.slots:
            raise UsageError(
                f"{int(whole.sum())} of {len(planes)} training pictures show a whole sprite on "
                f"black, and {self.config.slots} slots need as many; give other pictures or a "
                f"smaller --model.slots."
            )
        return planes[whole]


def _side_around(planes: Float[Tensor, "batch height width"]) -> int:
    """The side of a square around the centroid that holds every sprite, with a margin."""
    located = localize(planes[:, None])
    reach = 0.0
    for place, lines in (
        (located.x, planes.amax(dim=1) > 0.5),
        (located.y, planes.amax(dim=2) > 0.5),
    ):
        centres = torch.arange(lines.shape[1]) + 0.5
        reach = max(reach, float(((centres - place[:, None]).abs() * lines).max()))
    return 2 * (math.ceil(reach) + 2)
