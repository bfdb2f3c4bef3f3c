"""Run to figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from distaff import figures
from distaff.arrays import Array
from distaff.data import FactorDataset
from distaff.figures import FIGURES
from distaff.figures.samples import PER_ROW
from distaff.inference.encode import context_at, kl_of_latents, posterior_of
from distaff.inference.interpolate import interpolations
from distaff.metrics.information.mutual_information import entropy, mutual_information
from distaff.models import AbstractVAE, ConditionalVAE
from distaff.probability.gaussian import DiagonalGaussian
from distaff.runs import Run
from distaff.runs.figures import write_figure

__all__ = ["FIGURES", "illustrate"]

ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
TRAVERSED = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
IN_USE = 0.05
"""Nats that a latent must carry to be said to track a factor."""
VALUES = 12
"""Values of a conditional model's factor of which samples are drawn, where it has more."""
CODES = 4000
"""Images from which the KL of each latent and the factor it tracks are read."""


def illustrate(run: Run, names: Sequence[str] = ()) -> list[Path]:
    """Draws figures of a finished run into its folder, each as PNG and as PDF.

    Args:
        run: a finished run.
        names: of the figures; by default the experiment's, and no relation without factors.

    Returns:
        The paths of the PNG files.

    Raises:
        UsageError: an unknown figure, or one of latents where the model has none.
        RunError: the run is not finished, or its folder cannot be written to.
    """
    subject = Subject(run)
    names = names or [
        n for n in run.experiment.figures if n != "relation-matrix" or subject.varying
    ]
    drawings = {name: FIGURES.look_up(name) for name in names}
    return [write_figure(run, name, draw(subject)) for name, draw in drawings.items()]


@dataclass(frozen=True)
class Subject:
    """A run with what several figures need of it, each made once."""

    run: Run

    @cached_property
    def model(self) -> AbstractVAE:
        """The trained model."""
        return self.run.load_vae()

    @cached_property
    def dataset(self) -> FactorDataset:
        """The data set it was trained on."""
        return self.run.load_dataset()

    @cached_property
    def sample(self) -> FactorDataset:
        """Some test images with their factors."""
        test = self.dataset.split("test")
        return test.subset(torch.arange(min(CODES, len(test))))

    @cached_property
    def kl(self) -> Array:
        """Mean KL of each latent in nats."""
        return kl_of_latents(self._posterior)

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
        return [self.dataset.factor_names[i] for i in self.varying]

    @cached_property
    def relation(self) -> Array:
        """Mutual information over the factor's entropy, [latent, factor that varies]."""
        codes = self._posterior.mean.double().numpy()
        factors = self.sample.factors[:, self.varying].long().numpy()
        return np.asarray(mutual_information(codes, factors) / entropy(factors))

    @cached_property
    def _posterior(self) -> DiagonalGaussian:
        return posterior_of(self.model, self.sample)

    def title(self, what: str) -> str:
        """Returns what a figure shows, with the recipe and the seed."""
        return f"{what} · {self.run.experiment.name}, seed {self.run.seed}"


def _reconstructions(subject: Subject) -> Figure:
    first = subject.sample.subset(torch.arange(min(24, len(subject.sample))))
    return _with_reconstructions(subject, first, "Test images")


def _with_reconstructions(subject: Subject, dataset: FactorDataset, title: str) -> Figure:
    rows = torch.arange(len(dataset))
    images = dataset.images_at(rows)
    with torch.no_grad():
        context = context_at(subject.model, dataset, rows)
        again = subject.model.reconstruct(images, context)
    return figures.reconstructions(images.numpy(), again.numpy(), title=subject.title(title))


def _samples(subject: Subject) -> Figure:
    if isinstance(subject.model, ConditionalVAE):
        return _samples_of_each_value(subject, subject.model)
    images = subject.model.sample(6 * PER_ROW).numpy()
    return figures.samples(images, title=subject.title("Samples from the prior"))


def _samples_of_each_value(subject: Subject, model: ConditionalVAE) -> Figure:
    name, size = subject.dataset.factor_names[model.factor], model.context_size
    values = np.linspace(0, size - 1, min(size, VALUES)).round().astype(int)
    context = model.context_of(values.repeat(PER_ROW))
    return figures.samples(
        model.sample(len(context), context=context).numpy(),
        row_labels=[f"{name} {value}" for value in values],
        title=subject.title(f"Samples of each {name}"),
    )


def _traversals(subject: Subject) -> Figure:
    """The test image whose code is nearest the origin is moved: all latents have room there."""
    nearest = int(subject._posterior.mean.square().sum(dim=1).argmin())
    context = context_at(subject.model, subject.sample, torch.tensor([nearest]))
    image = subject.sample.images_at([nearest])[0]
    with torch.no_grad():
        moved = subject.model.traverse(image, TRAVERSED, None if context is None else context[0])
    labels = [_latent_label(subject, latent) for latent in subject.order]
    return figures.traversals(
        moved.numpy()[subject.order],
        values=TRAVERSED,
        labels=labels,
        title=subject.title("One latent moved at a time"),
    )


def _latent_label(subject: Subject, latent: int) -> str:
    label = f"z{latent}: {subject.kl[latent]:.2f} nats"
    if not subject.factor_names or subject.kl[latent] < IN_USE:
        return label
    best = int(subject.relation[latent].argmax())
    share = subject.relation[latent, best]
    return f"{label}\n{subject.factor_names[best]} {share:.2f}"


def _interpolations(subject: Subject) -> Figure:
    rows = torch.arange(10) % len(subject.sample)  # of fewer images some come again
    return _between(subject, subject.sample.subset(rows))


def _between(subject: Subject, dataset: FactorDataset) -> Figure:
    """Of the first image and the second, the third and the fourth, and so on."""
    rows = torch.arange(len(dataset))
    images, context = dataset.images_at(rows), context_at(subject.model, dataset, rows)
    left, right = images[0::2], images[1::2]
    between = interpolations(
        subject.model,
        left,
        right,
        ALPHAS,
        generator=torch.Generator().manual_seed(0),
        contexts=None if context is None else (context[0::2], context[1::2]),
    )
    title = "Interpolations, z = (1 − α) z left + α z right"
    return figures.interpolations(
        left.numpy(), between, right.numpy(), alphas=ALPHAS, title=subject.title(title)
    )


def _relation_matrix(subject: Subject) -> Figure:
    names = [f"z{latent}, {subject.kl[latent]:.2f} nats" for latent in subject.order]
    return figures.relation_matrix(
        subject.relation[subject.order],
        factor_names=subject.factor_names,
        latent_names=names,
        title=subject.title("Mutual information of latents and factors"),
    )


def _training_curves(subject: Subject) -> Figure:
    """Each term in plain nats, the bound where they make one, and each player's objective."""
    terms = {term: [term] for term in subject.run.terms}
    if {"reconstruction", "kl"} <= set(terms):
        terms["negative ELBO"] = ["reconstruction", "kl"]
    terms |= {name: [name] for name in subject.run.objectives}
    curves = {
        title: {split: _curve(subject.run.log, split, names) for split in ("train", "validation")}
        for title, names in terms.items()
    }
    return figures.training_curves(curves, title=subject.title("Training"))


def _curve(
    log: list[dict[str, Any]], split: str, terms: Sequence[str]
) -> tuple[list[float], list[float]]:
    lines = [line for line in log if line["split"] == split]
    return [line["step"] for line in lines], [sum(line[t] for t in terms) for line in lines]


def _assigned_reconstructions(subject: Subject) -> Figure:
    part = subject.dataset.split("test_reconstruct")
    return _with_reconstructions(subject, part, "test_reconstruct")


def _assigned_interpolations(subject: Subject) -> Figure:
    return _between(subject, subject.dataset.split("test_interpolate"))


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
