"""The semi-supervised VAE, against plain loops and the exact likelihood by quadrature."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distaff.data import load
from distaff.models import SemiSupervisedVAE, build
from distaff.nets import ConvolutionalEncoder
from distaff.recipes import RECIPES
from distaff.training.trainer import fit
from distaff.types import Batch, DataSpec

SPEC = DataSpec((1, 8, 8), (3,), 100, ("digit",))


def model_of(small_nets: dict[str, Any], latents: int = 2, **settings: Any) -> SemiSupervisedVAE:
    config = SemiSupervisedVAE.Config(
        latents=latents,
        classifier=ConvolutionalEncoder.Config(widths=(4,), hidden=(8,)),
        **small_nets,
        **settings,
    )
    model = build(config, SPEC, seed=0)
    assert isinstance(model, SemiSupervisedVAE)
    return model


def batch_of(generator: torch.Generator, classes: list[int]) -> Batch:
    images = torch.rand(len(classes), 1, 8, 8, generator=generator).round()
    known = torch.tensor(classes)
    return Batch(images, known[:, None], known >= 0)


def test_terms_are_those_of_a_plain_loop(
    small_nets: dict[str, Any], generator: torch.Generator
) -> None:
    model, batch = model_of(small_nets), batch_of(generator, [2, -1, 0, -1])
    noise = torch.randn(4, 3, 2, generator=generator)
    with torch.no_grad():
        terms = model.loss_terms(batch, noise, "vae")
        total, charge = 0.0, 0.0
        for row in range(4):
            image, known = batch.images[row : row + 1], int(batch.factors[row, 0])
            guess = model.classifier(image)[0].softmax(0)
            losses = []
            for value in range(3):
                context = torch.eye(3)[value : value + 1]
                posterior = model.encode(image, context)
                q = torch.distributions.Normal(posterior.mean, posterior.log_std.exp())
                latents = q.mean + q.stddev * noise[row, value]
                pixels = torch.distributions.Bernoulli(logits=model.outputs(latents, context))
                prior = torch.distributions.Normal(0, 1)
                divergence = torch.distributions.kl_divergence(q, prior).sum()
                losses.append(divergence - pixels.log_prob(image).sum() + math.log(3))
            if known >= 0:
                total += float(losses[known])
                charge -= float(guess[known].log()) / 2
            else:
                entropy = -(guess * guess.log()).sum()
                total += float(
                    sum(g * loss for g, loss in zip(guess, losses, strict=True)) - entropy
                )
    bound = terms["reconstruction"] + terms["kl"]
    assert float(bound) == pytest.approx(total / 4, rel=1e-5)
    assert float(terms["cross_entropy"]) == pytest.approx(charge, rel=1e-5)


def test_the_bound_is_below_the_likelihood_by_quadrature(
    small_nets: dict[str, Any], generator: torch.Generator
) -> None:
    """log p(x) = log mean_y integral p(x|y,z) N(z) dz, for a single latent."""
    model = model_of(small_nets, latents=1).double()
    image = torch.rand(1, 1, 8, 8, generator=generator).round().double()
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    latents = torch.from_numpy(nodes)[:, None]
    with torch.no_grad():
        exact = []
        for value in range(3):
            context = torch.eye(3, dtype=torch.float64)[value].expand(60, -1)
            nats = model.log_likelihood(image.expand(60, -1, -1, -1), latents, context)
            logs = nats.flatten(1).sum(dim=1).numpy() + np.log(weights / weights.sum())
            exact.append(np.logaddexp.reduce(logs))
        evidence = np.logaddexp.reduce(exact) - math.log(3)
        many = 4000
        unknown = torch.full((many, 1), -1)
        batch = Batch(image.expand(many, -1, -1, -1), unknown, torch.zeros(many, dtype=torch.bool))
        noise = torch.randn(many, 3, 1, generator=generator, dtype=torch.float64)
        terms = model.loss_terms(batch, noise, "vae")
    bound = -float(terms["reconstruction"] + terms["kl"])
    assert bound <= evidence
    assert bound > evidence - 30


def test_the_class_of_an_unlabelled_image_changes_nothing(
    small_nets: dict[str, Any], generator: torch.Generator
) -> None:
    model, batch = model_of(small_nets), batch_of(generator, [2, 1, 0, 1])
    batch = batch._replace(labelled=torch.tensor([True, True, False, False]))
    noise = torch.randn(4, 3, 2, generator=generator)
    for row, same in ((3, True), (0, False)):
        other = batch.factors.clone()
        other[row] = (other[row] + 1) % 3
        one, two = (
            model.loss_terms(batch._replace(factors=factors), noise, "vae")
            for factors in (batch.factors, other)
        )
        assert all(torch.equal(one[name], two[name]) for name in one) is same


def test_a_negative_weight_is_refused(small_nets: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="weight is -1"):
        model_of(small_nets, weight=-1.0)


@pytest.mark.slow
def test_digits_are_told_from_few_labels(real_data: Callable[[str], Path]) -> None:
    real_data("mnist/train-images-idx3-ubyte.gz")
    dataset = load("mnist", labelled=1000)
    recipe = RECIPES["mnist-semi-supervised-vae"]
    model = build(recipe.model, dataset.spec, seed=0)
    assert isinstance(model, SemiSupervisedVAE)
    training = replace(recipe.training, steps=200, validate_every=200, validation_images=100)
    fit(model, dataset.split("train"), dataset.split("validation"), training)
    test = dataset.split("test").subset(torch.arange(2000))
    said = model.eval().probabilities(test.images_at(range(len(test)))).argmax(dim=1)
    assert float((said == test.factors[:, 0]).float().mean()) > 0.9
