"""What document 004 shows: curves, reconstructions, traversals, latent geometry, artefacts."""

import numpy as np

from distaff import figures
from distaff.inference.encode import kl_of_latents, posterior_of
from distaff.measures.checkerboard import checkerboard_energy
from distaff.measures.latent_geometry import grid_lines
from distaff.models import GenerativeModel, build
from distaff.runs import Run
from distaff.studies.spatial_broadcast.decoders import (
    DECODERS,
    TITLES,
    VARIANCE,
    codes_of_positions,
)
from distaff.studies.study import Results, StudyContext

SWEEP = tuple(float(value) for value in np.linspace(-2, 2, 7))
SHOWN = 7
"""Images in the figure of reconstructions."""


def curves(bench: StudyContext) -> Results:
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


def pictures(bench: StudyContext) -> Results:
    """Reconstructions of seven images, and traversals of the middle one, for both decoders."""
    dataset = bench.open(bench.run("spatial-broadcast")).dataset.split("train")
    rows = np.random.default_rng(1).choice(len(dataset), SHOWN, replace=False)
    images = dataset.images_at(rows)
    sides = []
    for decoder in DECODERS:
        model = bench.open(bench.run(decoder)).generative
        kl = kl_of_latents(posterior_of(model, dataset))
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


def geometry(bench: StudyContext) -> Results:
    """Where the encoder puts red circles on a grid of positions."""
    positions, line = grid_lines()
    panels = {}
    for decoder in DECODERS:
        run = bench.run(decoder)
        panels[TITLES[decoder]] = codes_of_positions(bench.open(run), positions)
    bench.draw(
        "latent-geometry",
        figures.latent_geometry(positions, line, panels),
        "Red circles at 336 positions on a grid of lines, and where the encoders that were trained "
        "with either decoder put them: posterior means in the two latents with the smallest mean "
        "posterior variance. First seed.",
    )
    for decoder in DECODERS:
        every = {
            f"seed {run.seed}": codes_of_positions(bench.open(run), positions)
            for run in bench.runs(decoder)
        }
        bench.draw(
            f"latent-geometry-{decoder}",
            figures.latent_geometry(positions, line, every),
            f"The same for every seed, decoder {TITLES[decoder]}.",
        )
    return {}


def artefacts(bench: StudyContext) -> Results:
    """The checkerboard: power at the frequencies of the strides, before and after training."""
    dataset = bench.open(bench.run("deconvolution")).dataset.split("train")
    images = dataset.images_at(np.random.default_rng(0).choice(len(dataset), 256)).numpy()
    drawn = {}
    for decoder in DECODERS:
        trained = bench.run(decoder)
        fresh = build(trained.experiment.model, dataset.spec, seed=trained.seed)
        assert isinstance(fresh, GenerativeModel)
        drawn[f"{TITLES[decoder]}, untrained"] = fresh.reconstruct(images)
        drawn[f"{TITLES[decoder]}, trained"] = bench.open(trained).generative.reconstruct(images)
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
