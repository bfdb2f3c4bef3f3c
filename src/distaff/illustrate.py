"""Run to figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from distaff import figures
from distaff.arrays import Array
from distaff.data import FactorDataset
from distaff.errors import memory_errors_as_sentence
from distaff.figures import FIGURES
from distaff.figures.samples import PER_ROW
from distaff.inference.encode import context_at, kl_of_latents
from distaff.inference.interpolate import interpolations
from distaff.metrics.information.mutual_information import entropy, mutual_information
from distaff.models import ConditionalVAE, GenerativeModel
from distaff.probability.gaussian import DiagonalGaussian
from distaff.runs import OpenRun, Run
from distaff.runs.figures import write_figure
from distaff.text import printable

__all__ = ["FIGURES", "illustrate"]

ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
TRAVERSED = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
IN_USE = 0.05
"""Nats that a latent must carry to be said to track a factor."""
VALUES = 12
"""Values of a conditional model's factor of which samples are drawn, where it has more."""
CODED = 4000
"""Images from which the KL of each latent and the factor it tracks are read."""


@memory_errors_as_sentence("draw fewer figures at a time")
def illustrate(run: Run | OpenRun, names: Sequence[str] = ()) -> list[Path]:
    """Draws figures of a finished run into its folder, each as PNG and as PDF.

    Args:
        run: a finished run, opened or not.
        names: of the figures; by default the experiment's, and no relation without factors.

    Returns:
        The paths of the PNG files.

    Raises:
        UsageError: an unknown figure, or one of latents where the model has none.
        RunError: the run is not finished, or its folder cannot be written to.
    """
    portrait = Portrait(OpenRun.of(run))
    names = names or default_figures(portrait.opened)
    drawings = {name: FIGURES.look_up(name) for name in names}
    return [write_figure(portrait.run, name, draw(portrait)) for name, draw in drawings.items()]


def default_figures(opened: OpenRun) -> list[str]:
    """Returns the figures of the run's experiment, no relation without factors."""
    varying = Portrait(opened).varying
    return [name for name in opened.run.experiment.figures if name != "relation-matrix" or varying]


@dataclass(frozen=True)
class Portrait:
    """An opened run with what several figures need of it, each made once."""

    opened: OpenRun

    @property
    def run(self) -> Run:
        """The run."""
        return self.opened.run

    @property
    def model(self) -> GenerativeModel:
        """The trained model."""
        return self.opened.generative

    @property
    def dataset(self) -> FactorDataset:
        """The data set it was trained on."""
        return self.opened.dataset

    @cached_property
    def rows(self) -> Tensor:
        """Rows of some test images."""
        return self.dataset.splits["test"][:CODED]

    @cached_property
    def sample(self) -> FactorDataset:
        """Some test images with their factors."""
        return self.dataset.subset(self.rows)

    @cached_property
    def kl(self) -> Array:
        """Mean KL of each latent in nats."""
        return kl_of_latents(self.posterior)

    @cached_property
    def order(self) -> list[int]:
        """Latents from the largest KL to the smallest."""
        return [int(latent) for latent in np.argsort(-self.kl, kind="stable")]

    @cached_property
    def varying(self) -> list[int]:
        """Factors with more than one value among the sample."""
        return [i for i, column in enumerate(self.sample.factors.T) if len(column.unique()) > 1]

    @cached_property
    def factor_names(self) -> list[str]:
        """Names of the factors with more than one value."""
        return [printable(self.dataset.factor_names[i]) for i in self.varying]

    @cached_property
    def relation(self) -> Array:
        """Mutual information over the factor's entropy, [latent, factor that varies]."""
        codes = self.posterior.mean.double().numpy()
        factors = self.sample.factors[:, self.varying].long().numpy()
        return np.asarray(mutual_information(codes, factors) / entropy(factors))

    @cached_property
    def posterior(self) -> DiagonalGaussian:
        """Of the sample."""
        return self.opened.posteriors(self.rows)

    def title(self, what: str) -> str:
        """Returns what a figure shows, with the recipe and the seed."""
        return printable(f"{what} · {self.run.experiment.name}, seed {self.run.seed}")


def _reconstructions(portrait: Portrait) -> Figure:
    """Test images, each above its reconstruction."""
    return _with_reconstructions(portrait, portrait.rows[:24], "Test images")


def _with_reconstructions(portrait: Portrait, rows: Tensor, title: str) -> Figure:
    images = portrait.dataset.images_at(rows)
    context = context_at(portrait.model, portrait.dataset, rows)
    with torch.no_grad():
        again = portrait.model.decode(portrait.opened.posteriors(rows).mean, context)
    return figures.reconstructions(images.numpy(), again.numpy(), title=portrait.title(title))


def _samples(portrait: Portrait) -> Figure:
    """Images decoded from the prior; of a conditional model, some of each value."""
    if isinstance(portrait.model, ConditionalVAE):
        return _samples_of_each_value(portrait, portrait.model)
    images = portrait.model.sample(6 * PER_ROW)
    return figures.samples(images, title=portrait.title("Samples from the prior"))


def _samples_of_each_value(portrait: Portrait, model: ConditionalVAE) -> Figure:
    name = printable(portrait.dataset.factor_names[model.factor])
    size = model.context_size
    values = np.linspace(0, size - 1, min(size, VALUES)).round().astype(int)
    context = model.context_at(values.repeat(PER_ROW).tolist())
    return figures.samples(
        model.sample(len(context), context=context),
        row_labels=[f"{name} {_value_name(model, int(value))}" for value in values],
        title=portrait.title(f"Samples of each {name}"),
    )


def _value_name(model: ConditionalVAE, value: int) -> str:
    return printable(model.spec.name_of_value(model.factor, value))


def _traversals(portrait: Portrait) -> Figure:
    """One latent of a test image moved at a time, a row for each latent, most nats first.

    The image is the one whose code is nearest the origin, where each latent has room.
    """
    nearest = int(portrait.posterior.mean.square().sum(dim=1).argmin())
    context = context_at(portrait.model, portrait.sample, torch.tensor([nearest]))
    code = portrait.posterior.mean[nearest]
    with torch.no_grad():
        moved = portrait.model.traverse_code(
            code, TRAVERSED, None if context is None else context[0]
        )
    labels = [_latent_label(portrait, latent) for latent in portrait.order]
    return figures.traversals(
        moved.numpy()[portrait.order],
        values=TRAVERSED,
        labels=labels,
        title=portrait.title("One latent moved at a time"),
    )


def _latent_label(portrait: Portrait, latent: int) -> str:
    label = f"z{latent}: {portrait.kl[latent]:.2f} nats"
    if not portrait.factor_names or portrait.kl[latent] < IN_USE:
        return label
    best = int(portrait.relation[latent].argmax())
    share = portrait.relation[latent, best]
    return f"{label}\n{portrait.factor_names[best]} {share:.2f}"


def _interpolations(portrait: Portrait) -> Figure:
    """Pictures on straight lines between the latents of two test images."""
    count = len(portrait.rows)
    # where there are fewer than ten, some repeat
    return _between(portrait, portrait.rows[torch.arange(10) % count])


def _between(portrait: Portrait, rows: Tensor) -> Figure:
    """Of the first image and the second, the third and the fourth, and so on."""
    images = portrait.dataset.images_at(rows)
    context = context_at(portrait.model, portrait.dataset, rows)
    between = interpolations(
        portrait.model,
        portrait.opened.posteriors(rows[0::2]),
        portrait.opened.posteriors(rows[1::2]),
        ALPHAS,
        generator=torch.Generator().manual_seed(0),
        contexts=None if context is None else (context[0::2], context[1::2]),
    )
    title = "Interpolations, z = (1 − α) z left + α z right"
    return figures.interpolations(
        images[0::2].numpy(),
        between,
        images[1::2].numpy(),
        alphas=ALPHAS,
        title=portrait.title(title),
    )


def _relation_matrix(portrait: Portrait) -> Figure:
    """Mutual information of each latent and factor, as a share of the factor's entropy."""
    names = [f"z{latent}, {portrait.kl[latent]:.2f} nats" for latent in portrait.order]
    return figures.relation_matrix(
        portrait.relation[portrait.order],
        factor_names=portrait.factor_names,
        latent_names=names,
        title=portrait.title("Mutual information of latents and factors"),
    )


def _training_curves(portrait: Portrait) -> Figure:
    """Terms and objectives over the steps, on training and on held-out images.

    Each term in plain nats, the bound where they make one, and each player's objective.
    """
    terms = {term: [term] for term in portrait.run.terms}
    if {"reconstruction", "kl"} <= set(terms):
        terms["negative ELBO"] = ["reconstruction", "kl"]
    # validations are weighed as at the last step, a training as at each: they differ until then
    weights = "\nheld out: last weights" if portrait.opened.model.schedules() else ""
    terms |= {name + weights: [name] for name in portrait.run.objectives}
    curves = {
        printable(title, keep="\n"): {
            split: _curve(portrait.run.log, split, names) for split in ("train", "validation")
        }
        for title, names in terms.items()
    }
    return figures.training_curves(curves, title=portrait.title("Training"))


def _curve(
    log: list[dict[str, Any]], split: str, terms: Sequence[str]
) -> tuple[list[float], list[float]]:
    lines = [line for line in log if line["split"] == split]
    return [line["step"] for line in lines], [sum(line[t] for t in terms) for line in lines]


def _assigned_reconstructions(portrait: Portrait) -> Figure:
    """Reconstructions of the split test_reconstruct, for question 1 of the CS 699 assignment."""
    return _with_reconstructions(portrait, _split(portrait, "test_reconstruct"), "test_reconstruct")


def _assigned_interpolations(portrait: Portrait) -> Figure:
    """Interpolations of the pairs of the split test_interpolate, for the same question."""
    return _between(portrait, _split(portrait, "test_interpolate"))


def _split(portrait: Portrait, name: str) -> Tensor:
    """The rows of a split; a set without it is refused by name."""
    portrait.dataset.split(name)
    return portrait.dataset.splits[name]


for _name, _draw in {
    "traversals": _traversals,
    "reconstructions": _reconstructions,
    "interpolations": _interpolations,
    "samples": _samples,
    "relation-matrix": _relation_matrix,
    "training-curves": _training_curves,
    # the files that the assignment "Rendering images with latent semi-supervision" asks for
    "q1_a": _assigned_reconstructions,
    "q1_b": _assigned_interpolations,
}.items():
    FIGURES.add(_name, _draw)
