"""Tasks 3 and 4 of document 001: the latent space, inference without the encoder, completion."""

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.decomposition import PCA

from distaff import figures
from distaff.arrays import Array
from distaff.inference.bounds import elbo
from distaff.inference.complete import complete, mask
from distaff.inference.encode import posterior_of
from distaff.inference.optimise import infer
from distaff.models import GenerativeModel
from distaff.studies.mnist_likelihoods.trained import (
    Scale,
    TrainedModel,
    draw,
    generator,
    normal,
    posterior_sample,
    summary,
    trained_model,
)
from distaff.studies.study import Results, StudyContext
from distaff.types import Images

MAPPED = 1000
"""Test images in the maps of the latent space."""
NEIGHBOURS = 10
LAMBDAS = (1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0)
PAIRS = 5
MASKS = {
    "left": "the left half",
    "right": "the right half",
    "top": "the upper half",
    "bottom": "the lower half",
    "border": "all but a square in the centre",
    "random": "half of the pixels, chosen at random",
}
"""The part of an image that is seen when it is completed."""
SHOWN = 24
"""Images in the figures of tasks 4a and 4b."""
COMPLETIONS = 6
"""Completions of each image in the figures of the masks."""


def latent_space(bench: StudyContext) -> Results:
    """Task 3: maps of the codes in two dimensions, by design and by PCA, and interpolations."""
    plane, wide = trained_model(bench, "plane"), trained_model(bench, "favourite")
    digits = plane.digits[:MAPPED]
    flat, codes = (_codes(subject) for subject in (plane, wide))
    components = PCA(n_components=2).fit(codes)
    projected = components.transform(codes)
    shares = [float(share) for share in components.explained_variance_ratio_]
    _draw_maps(bench, plane, flat, projected, shares, codes.shape[1])
    bench.draw(
        "task-3c-interpolation",
        _interpolations(wide),
        "Between two test images of different digits: z_λ = λ z + (1 − λ) z′, with z and z′ "
        "sampled from their posteriors. Each pair of rows shows x_λ sampled from p(X|z_λ), and "
        "below it the mean.",
    )
    return {
        "latents": codes.shape[1],
        "explained": shares,
        "neighbours": NEIGHBOURS,
        "same_digit": {
            "plane": _same_digit(flat, digits),
            "wide": _same_digit(codes, digits),
            "projected": _same_digit(projected, digits),
        },
    }


def _draw_maps(
    bench: StudyContext,
    plane: TrainedModel,
    flat: Array,
    projected: Array,
    shares: list[float],
    latents: int,
) -> None:
    """The codes in two dimensions, by design and by PCA, and what the decoder draws there."""
    digits = plane.digits[:MAPPED]
    bench.draw(
        "task-3a-latent-map",
        figures.latent_map(flat, digits, axis_labels=("z₁", "z₂"), title="K = 2"),
        f"The posterior means μ(x) of the first {MAPPED} test images in the latent space of the "
        f"model with K = 2, coloured by digit.",
    )
    bench.draw(
        "task-3a-manifold",
        _manifold(plane.model),
        "What the decoder of the model with K = 2 draws over the plane: means of p(X|z) at evenly "
        "spaced quantiles of the prior in both directions.",
    )
    bench.draw(
        "task-3b-pca",
        figures.latent_map(
            projected,
            digits,
            axis_labels=[f"component {i + 1}, {share:.0%}" for i, share in enumerate(shares)],
            title=f"K = {latents}, first two principal components",
        ),
        f"The same images in the model with K = {latents}: posterior means projected onto "
        f"their first two principal components; the axes name the share of the variance.",
    )


def _codes(subject: TrainedModel) -> Array:
    posterior = posterior_of(subject.model, subject.test.subset(torch.arange(MAPPED)))
    return posterior.mean.numpy()


def _same_digit(codes: Array, digits: Array) -> float:
    """Share of the nearest neighbours in the latent space that show the same digit."""
    distances = np.linalg.norm(codes[:, None] - codes[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argpartition(distances, NEIGHBOURS)[:, :NEIGHBOURS]
    return float((digits[nearest] == digits[:, None]).mean())


def _manifold(model: GenerativeModel, side: int = 18) -> Figure:
    quantiles = torch.tensor(norm.ppf(np.linspace(0.02, 0.98, side)), dtype=torch.float32)
    right, up = torch.meshgrid(quantiles, quantiles.flip(0), indexing="xy")
    latents = torch.stack([right.flatten(), up.flatten()], dim=1)
    _, mean = draw(model, latents)
    return figures.image_grid(
        mean.reshape(side, side, *mean.shape[1:]), title="means of p(X|z), z₁ to the right, z₂ up"
    )


def _interpolations(subject: TrainedModel) -> Figure:
    """Neighbours in the test set, as far as their digits differ."""
    left = np.flatnonzero(subject.digits[:-1] != subject.digits[1:])[::2][:PAIRS]
    images = subject.images(int(left[-1]) + 2)
    start, end = (posterior_sample(subject.model, images[left + i]) for i in (0, 1))
    weights = torch.tensor(LAMBDAS)[None, :, None]
    between = torch.lerp(end[:, None], start[:, None], weights).flatten(0, 1)
    rows = []
    for drawn in draw(subject.model, between):
        middle = drawn.reshape(PAIRS, len(LAMBDAS), *drawn.shape[1:])
        ends = [images[left + i, None].numpy() for i in (0, 1)]
        rows.append(np.concatenate([ends[0], middle, ends[1]], axis=1))
    return figures.image_grid(
        np.stack(rows, axis=1).reshape(2 * PAIRS, -1, *images.shape[1:]),
        row_labels=["sampled", "mean"] * PAIRS,
        column_labels=["x", *[f"λ = {value:g}" for value in LAMBDAS], "x′"],
    )


def inference(bench: StudyContext, scale: Scale) -> Results:
    """Task 4a: the posterior by optimisation, and what the encoder gives away."""
    subject = trained_model(bench, "favourite")
    images = subject.images(scale.inferred)
    found = infer(subject.model, images, steps=scale.inference_steps, generator=generator())
    latents = found.posterior.sample(normal(*found.posterior.mean.shape))
    rows = np.stack(
        [
            images.numpy(),
            draw(subject.model, latents)[0],
            draw(subject.model, posterior_sample(subject.model, images))[0],
        ],
        axis=1,
    )
    bench.draw(
        "task-4a-inference",
        figures.column_blocks(rows[:SHOWN], column_labels=("x", "x′", "x″"), blocks=3),
        "Test images x, reconstructions x′ with the posterior found by optimisation, and x″ with "
        "the encoder's posterior; both sampled from p(X|z).",
    )
    by_optimisation, by_encoder = (
        elbo(subject.model, images, posterior=q, samples=100, generator=generator()).numpy()
        for q in (found.posterior, None)
    )
    return {
        "images": len(images),
        "optimised": summary(by_optimisation),
        "encoder": summary(by_encoder),
        "gap": summary(by_optimisation - by_encoder),
        "worse": float((by_optimisation < by_encoder).mean()),
        "steps": {
            "median": float(found.steps.double().median()),
            "most": int(found.steps.max()),
            "limit": scale.inference_steps,
        },
    }


def completion(bench: StudyContext, scale: Scale) -> Results:
    """Task 4b: what was hidden, from what is seen, for the left half and for other masks."""
    subject = trained_model(bench, "favourite")
    images = subject.images(scale.inferred)
    results = {}
    for name, words in MASKS.items():
        seen = mask(name, subject.test.image_shape)
        found = infer(
            subject.model,
            images,
            observed=seen,
            steps=scale.inference_steps,
            generator=generator(),
        )
        done = complete(
            subject.model,
            images,
            seen,
            samples=COMPLETIONS,
            posterior=found.posterior,
            generator=generator(),
        )
        if name == "left":
            rows = np.stack(
                [images.numpy(), (images * seen).numpy(), done.samples[:, 0].numpy()], 1
            )
            bench.draw(
                "task-4b-completion",
                figures.column_blocks(
                    rows[:SHOWN], column_labels=("x", "x_L", "x_L, x′_R"), blocks=3
                ),
                "Test images, their left halves, and the left halves with a right half sampled "
                "from p(X_R|z), z from the posterior found from the left half alone.",
            )
        bench.draw(f"task-4b-several-{name}", _several(images, seen, done.means), _caption(words))
        results[name] = summary(done.log_likelihood.numpy()) | {"hidden": int((~seen).sum())}
    return results


def _several(images: Images, seen: torch.Tensor, completed: torch.Tensor) -> Figure:
    """Several completions of each image: where they differ, the model is uncertain."""
    rows = torch.cat([images[:, None], (images * seen)[:, None], completed], dim=1)[:12]
    labels = ("x", "seen", *[str(i + 1) for i in range(completed.shape[1])])
    return figures.column_blocks(rows.numpy(), column_labels=labels, blocks=2)


def _caption(words: str) -> str:
    return (
        f"Seen is {words}. Each row: the test image, what is seen of it, and {COMPLETIONS} "
        f"completions with latents sampled from the posterior (means of p(X|z)); where they "
        f"differ, the model is uncertain."
    )
