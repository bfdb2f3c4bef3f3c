"""Document 004: does a decoder that knows where each pixel is order the latent space better?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, ClassVar

import numpy as np
import torch

from distaff import explore, figures
from distaff.checkerboard import checkerboard_energy
from distaff.data import Circles, DSprites
from distaff.experiment import Experiment
from distaff.geometry import (
    HIGH,
    LOW,
    affine_r2,
    grid_lines,
    local_distortion,
    most_informative,
    similarity_r2,
)
from distaff.likelihoods import Bernoulli, Gaussian
from distaff.metrics import dci, mutual_information_gap
from distaff.models import VAE, AbstractVAE, BetaVAE, build
from distaff.nets import ConvolutionalEncoder, DeconvolutionDecoder, SpatialBroadcastDecoder
from distaff.runs import Run
from distaff.score import Array
from distaff.studies.base import Budget, Results, Study, Workbench, for_smoke, over_seeds
from distaff.training import Training
from distaff.types import Images

DECODERS = {
    "deconvolution": DeconvolutionDecoder.Config(),
    "spatial-broadcast": SpatialBroadcastDecoder.Config(),
}
TITLES = {"deconvolution": "deconvolution", "spatial-broadcast": "spatial broadcast"}
VARIANCE = 0.3
"""Of the Gaussian decoder; the document's 0.3 is a variance."""
LATENTS = 5
ACTIVE = 0.1
"""Nats that a latent must carry on average to count as active."""
SWEEP = tuple(float(value) for value in np.linspace(-2, 2, 7))
SHOWN = 7
"""Images in the figure of reconstructions."""
MEASURED = 3675
"""Images of which reconstruction, KL and the scores are measured: all of the document's set."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a budget decides."""

    size: int
    """Height and width of the pictures in pixels; the circle is a quarter as wide."""
    positions: int
    steps: int
    learning_rate: float
    seeds: tuple[int, ...]
    others: int
    """Steps of the experiments beyond the document."""
    dsprites: int
    """Steps of the beta-VAE on dSprites."""


SCALES: dict[Budget, Scale] = {
    "smoke": Scale(
        size=16, positions=8, steps=6, learning_rate=1e-3, seeds=(0, 1), others=6, dsprites=6
    ),
    "quick": Scale(
        size=32,
        positions=21,
        steps=2500,
        learning_rate=1e-3,
        seeds=(0, 1, 2),
        others=1200,
        dsprites=300,
    ),
    # 150 epochs of 3,675 images in batches of 16, as in the document
    "full": Scale(
        size=64,
        positions=35,
        steps=34_500,
        learning_rate=3e-4,
        seeds=(0, 1, 2, 3, 4),
        others=34_500,
        dsprites=100_000,
    ),
}


QUICK_SECONDS = {
    "deconvolution": 200,
    "deconvolution-quadrant": 27,
    "deconvolution-combinations": 27,
    "deconvolution-small": 27,
    "deconvolution-dsprites": 90,
    "spatial-broadcast": 800,
    "spatial-broadcast-quadrant": 130,
    "spatial-broadcast-combinations": 130,
    "spatial-broadcast-small": 130,
    "spatial-broadcast-dsprites": 390,
    "measures": 16,
    "beyond": 19,
}


class SpatialBroadcast(Study):
    """The spatial broadcast decoder against deconvolution, measured over seeds.

    Reference: "Spatial Broadcast Decoder", a re-implementation of Watters, Matthey, Burgess,
    Lerchner 2019, arXiv:1901.07017.
    """

    name = "spatial-broadcast"
    title = "The spatial broadcast decoder against deconvolution"
    source = "spatial_broadcast.typ"
    # from a run at budget quick; full has 14 times the steps of four times the pixels, five seeds
    estimates: ClassVar[Mapping[Budget, Mapping[str, float]]] = {
        "quick": QUICK_SECONDS,
        "full": {step: 90 * seconds for step, seconds in QUICK_SECONDS.items()},
    }

    @property
    def scale(self) -> Scale:
        """The settings of the budget."""
        return SCALES[self.budget]

    @cached_property
    def experiments(self) -> Mapping[str, Experiment]:  # noqa: D102
        scale = self.scale
        quarter = scale.size // 4
        sets: dict[str, dict[str, Any]] = {
            "quadrant": {"held_out": "quadrant"},
            "combinations": {"held_out": "combinations"},
            "small": {"shape_sizes": (quarter // 2,)},
        }
        made = {}
        for decoder in DECODERS:
            made[decoder] = self._on_circles(decoder, scale.steps, scale.seeds)
            for name, settings in sets.items():
                made[f"{decoder}-{name}"] = self._on_circles(
                    decoder, scale.others, scale.seeds[:1], **settings
                )
            made[f"{decoder}-dsprites"] = self._on_dsprites(decoder)
        return made

    def _on_circles(
        self, decoder: str, steps: int, seeds: tuple[int, ...], **settings: Any
    ) -> Experiment:
        scale = self.scale
        circles: dict[str, Any] = {
            "size": scale.size,
            "positions": scale.positions,
            "shape_sizes": (scale.size // 4,),
        }
        return Experiment(
            name=f"spatial-broadcast-{decoder}",
            data=Circles.Config(**circles | settings),
            model=VAE.Config(
                latents=LATENTS,
                encoder=ConvolutionalEncoder.Config(widths=(64, 64, 64, 64), hidden=(256,)),
                decoder=DECODERS[decoder],
                likelihood=Gaussian.Config(std=sqrt(VARIANCE)),
            ),
            training=self._training(steps),
            seeds=seeds,
        )

    def _training(self, steps: int) -> Training:
        training = Training(
            steps=steps,
            batch_size=16,
            learning_rate=self.scale.learning_rate,
            log_every=max(1, steps // 60),
            validate_every=max(1, steps // 10),
        )
        return for_smoke(training) if self.budget == "smoke" else training

    def _on_dsprites(self, decoder: str) -> Experiment:
        return Experiment(
            name=f"spatial-broadcast-{decoder}",
            data=DSprites.Config(),
            model=BetaVAE.Config(
                beta=4.0,
                latents=10,
                encoder=ConvolutionalEncoder.Config(widths=(32, 32, 64, 64), hidden=(256,)),
                decoder=DECODERS[decoder],
                likelihood=Bernoulli.Config(),
            ),
            training=self._training(self.scale.dsprites),
            seeds=self.scale.seeds[:1],
        )

    @property
    def tasks(self) -> Mapping[str, Callable[[Workbench], Results]]:  # noqa: D102
        return {
            "curves": curves,
            "pictures": pictures,
            "geometry": geometry,
            "measures": measures,
            "beyond": beyond,
            "artefacts": artefacts,
        }


def curves(bench: Workbench) -> Results:
    """The terms of the loss in nats per image over the training, all seeds."""
    terms = {
        term: {
            TITLES[decoder]: [_logged(run, term) for run in bench.runs(decoder)]
            for decoder in DECODERS
        }
        for term in ("reconstruction", "kl")
    }
    bench.draw(
        "training-curves",
        figures.term_curves(terms),
        "Reconstruction term and KL of the training images over the steps, in nats per image, a "
        "line for each seed. The constant of the Gaussian, log σ + ½ log 2π for each value, is "
        "left out of the reconstruction term, as in the document.",
    )
    return {}


def _logged(run: Run, term: str) -> tuple[list[int], list[float]]:
    """Steps and values; the reconstruction term without the constant of the density."""
    lines = [line for line in run.log if line["split"] == "train"]
    constant = _constant(run) if term == "reconstruction" else 0.0
    return [line["step"] for line in lines], [line[term] - constant for line in lines]


def _constant(run: Run) -> float:
    """What the Gaussian's normalisation adds to the reconstruction term of an image."""
    shape = run.read("experiment.json")["spec"][0]
    return float(np.prod(shape) * 0.5 * np.log(2 * np.pi * VARIANCE))


def pictures(bench: Workbench) -> Results:
    """Reconstructions of seven images, and traversals of the middle one, for both decoders."""
    run = bench.run("spatial-broadcast")
    dataset = run.load_dataset().part("train")
    rows = np.random.default_rng(1).choice(len(dataset), SHOWN, replace=False)
    images = dataset.images_at(rows)
    sides = []
    for decoder in DECODERS:
        model = bench.run(decoder).load_vae()
        kl = explore.kl_of_latents(explore.posterior_of(model, dataset))
        traversed = model.traverse(images[SHOWN // 2].numpy(), SWEEP)
        order = np.argsort(-kl, kind="stable")
        sides.append(
            figures.Side(
                TITLES[decoder],
                model.reconstruct(images.numpy()),
                traversed[order],
                [f"z{latent + 1}" for latent in order],
            )
        )
    bench.draw(
        "reconstructions-and-traversals",
        figures.side_by_side(images.numpy(), sides, values=SWEEP),
        "Seven inputs with their reconstructions, and below them the middle input with one latent "
        "at a time set to a value from -2 to 2, the latent that carries the most nats first.",
    )
    return {}


def geometry(bench: Workbench) -> Results:
    """Where the encoder puts red circles on a grid of positions."""
    positions, line = grid_lines()
    panels = {}
    for decoder in DECODERS:
        run = bench.run(decoder)
        panels[TITLES[decoder]] = _codes_of_positions(run, positions)
    bench.draw(
        "latent-geometry",
        figures.latent_geometry(positions, line, panels),
        "Red circles at 336 positions on a grid of lines, and where the encoders that were trained "
        "with either decoder put them: posterior means in the two latents with the smallest mean "
        "posterior variance. First seed.",
    )
    for decoder in DECODERS:
        every = {
            f"seed {run.seed}": _codes_of_positions(run, positions) for run in bench.runs(decoder)
        }
        bench.draw(
            f"latent-geometry-{decoder}",
            figures.latent_geometry(positions, line, every),
            f"The same for every seed, decoder {TITLES[decoder]}.",
        )
    return {}


@torch.no_grad()
def _codes_of_positions(run: Run, positions: Array) -> Array:
    """Posterior means of red circles in the two most informative latents, [position, 2]."""
    circles = Circles(run.experiment.data)
    rest = torch.tensor([0.0, run.experiment.data.shape_sizes[0], 0.0], dtype=torch.float64)
    values = torch.cat([torch.as_tensor(positions), rest.expand(len(positions), 3)], dim=1)
    posterior = run.load_vae().encode(circles.draw(values, "cpu"))
    chosen = most_informative(posterior.log_std.numpy())
    return np.asarray(posterior.mean.numpy()[:, chosen], dtype=np.float64)


def measures(bench: Workbench) -> Results:
    """What the pictures show as numbers, for each decoder and seed."""
    values = {decoder: [_measured(run) for run in bench.runs(decoder)] for decoder in DECODERS}
    return {
        "seeds": values,
        "summary": {
            decoder: {name: over_seeds([each[name] for each in all_seeds]) for name in all_seeds[0]}
            for decoder, all_seeds in values.items()
        },
    }


def _measured(run: Run) -> dict[str, float]:
    model, dataset = run.load_vae(), run.load_dataset().part("train")
    dataset = dataset.subset(torch.arange(len(dataset))[:MEASURED])
    posterior = explore.posterior_of(model, dataset)
    kl = explore.kl_of_latents(posterior)
    codes = posterior.mean.double().numpy()
    varying = [i for i, size in enumerate(dataset.factor_sizes) if size > 1]
    names = [dataset.factor_names[i] for i in varying]
    factors = dataset.factors[:, varying].long().numpy()
    separated = dci(codes, factors, factor_names=names)
    return _shape_of_map(run) | {
        "mig": mutual_information_gap(codes, factors, factor_names=names).value,
        "disentanglement": separated.value,
        "reconstruction": _squared_error(model, dataset.images_at(range(len(dataset))))
        / (2 * VARIANCE),
        "kl": float(kl.sum()),
        "active": float((kl > ACTIVE).sum()),
    }


def _shape_of_map(run: Run) -> dict[str, float]:
    """Of the map from position to the two latents, on a grid of whole pixels."""
    config = run.experiment.data
    room = config.size - 2 - config.shape_sizes[0]
    # a place is cut off to a pixel when it is drawn: from the middle of one nothing is lost
    pixels = np.arange(np.ceil(LOW * room), np.floor(HIGH * room)) + 0.5
    places = pixels / room
    mesh = np.stack(np.meshgrid(places, places, indexing="xy"), axis=-1)
    codes = _codes_of_positions(run, mesh.reshape(-1, 2))
    bent = local_distortion(mesh, codes.reshape(mesh.shape))
    return {
        "affine": affine_r2(mesh.reshape(-1, 2), codes),
        "similarity": similarity_r2(mesh.reshape(-1, 2), codes),
        "anisotropy": bent.anisotropy,
        "scale_variation": bent.scale_variation,
        "folded": bent.folded,
    }


def _squared_error(model: AbstractVAE, images: Images) -> float:
    """Mean over the images of the summed squared error of their reconstructions."""
    errors = [
        np.square(model.reconstruct(part.numpy()) - part.numpy()).sum(axis=(1, 2, 3))
        for part in images.split(256)
    ]
    return float(np.concatenate(errors).mean())


def beyond(bench: Workbench) -> Results:
    """What the paper claims beyond the document: other data, one seed."""
    return {decoder: _beyond(bench, decoder) for decoder in DECODERS}


def _beyond(bench: Workbench, decoder: str) -> Results:
    results: Results = {}
    for name in ("quadrant", "combinations"):
        run = bench.run(f"{decoder}-{name}")
        model, dataset = run.load_vae(), run.load_dataset()
        for part, key in (("train", "seen"), ("held_out", "held_out")):
            images = dataset.part(part).images_at(range(len(dataset.parts[part])))
            results[f"{name}_{key}"] = _squared_error(model, images)
    small = bench.run(f"{decoder}-small")
    dataset = small.load_dataset().part("train")
    results["small"] = _squared_error(small.load_vae(), dataset.images_at(range(len(dataset))))
    results["small_similarity"] = _shape_of_map(small)["similarity"]
    return results | {"dsprites": _on_dsprites(bench.run(f"{decoder}-dsprites"))}


def _on_dsprites(run: Run) -> dict[str, float]:
    last = next(line for line in reversed(run.log) if line["split"] == "validation")
    test = run.load_dataset().part("test")
    sample = test.subset(torch.arange(4000))
    codes = explore.posterior_of(run.load_vae(), sample).mean.double().numpy()
    gap = mutual_information_gap(codes, sample.factors.long().numpy())
    return {"reconstruction": last["reconstruction"], "kl": last["kl"], "mig": gap.value}


def artefacts(bench: Workbench) -> Results:
    """The checkerboard: power at the frequencies of the strides, before and after training."""
    run = bench.run("deconvolution")
    dataset = run.load_dataset().part("train")
    images = dataset.images_at(np.random.default_rng(0).choice(len(dataset), 256)).numpy()
    drawn = {}
    for decoder in DECODERS:
        trained = bench.run(decoder)
        fresh = build(trained.experiment.model, dataset.spec, seed=trained.seed)
        assert isinstance(fresh, AbstractVAE)
        drawn[f"{TITLES[decoder]}, untrained"] = fresh.reconstruct(images)
        drawn[f"{TITLES[decoder]}, trained"] = trained.load_vae().reconstruct(images)
    bench.draw(
        "checkerboard",
        figures.checkerboard(images, drawn),
        "Power of the decoders' outputs over frequency (left), and how much of it lies at the "
        "frequencies of patterns of 2 and 4 pixels beyond what the true images have there (right).",
    )
    return {
        name: {
            str(period): checkerboard_energy(pictures, images, period=period) for period in (2, 4)
        }
        for name, pictures in drawn.items()
    }
