"""Task 1: a beta-VAE that is given no factor, its reconstructions and interpolations."""

import torch

from distaff import figures
from distaff.inference.encode import posterior_of
from distaff.metrics import dci, mutual_information_gap
from distaff.runs import OpenRun
from distaff.runs.codes import some_test_images
from distaff.studies.study import Results, StudyContext

ALPHAS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
"""Weights of the left image, whose sample is z^(a) in the document."""


def unsupervised(bench: StudyContext, images: int) -> Results:
    """What the beta-VAE makes of the images that the document names, and its scores."""
    opened = bench.open(bench.run("beta-vae"))
    model, dataset = opened.generative, opened.dataset
    shown = dataset.images_at(dataset.splits["test_reconstruct"]).numpy()
    bench.draw(
        "q1_a",
        figures.reconstructions(shown, model.reconstruct(shown)),
        "Every image of test_reconstruct above the mean image of its posterior mean.",
    )
    pairs = dataset.images_at(dataset.splits["test_interpolate"])
    noise = torch.randn(
        len(pairs), model.config.latents, generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        samples = model.encode(pairs).sample(noise)
        between = [
            model.decode(alpha * samples[::2] + (1 - alpha) * samples[1::2]) for alpha in ALPHAS
        ]
    bench.draw(
        "q1_b",
        figures.interpolations(
            pairs[::2].numpy(),
            torch.stack(between, dim=1).numpy(),
            pairs[1::2].numpy(),
            alphas=ALPHAS,
        ),
        "Five pairs: the originals at either end, and between them the images decoded from "
        "α z(a) + (1 − α) z(b), with a sample of the posterior of each.",
    )
    validation = opened.run.last_validation
    return {
        "reconstruction": validation["reconstruction"],
        "kl": validation["kl"],
        **disentanglement(opened, images),
    }


def disentanglement(opened: OpenRun, images: int) -> dict[str, float]:
    """Two scores of the posterior means of some test images."""
    dataset = opened.dataset
    rows = some_test_images(dataset, images, 0)
    codes = posterior_of(opened.generative, dataset.subset(rows)).mean.numpy()
    factors = dataset.factors_at(rows).numpy()
    return {
        "mutual_information_gap": mutual_information_gap(codes, factors).value,
        "dci": dci(codes, factors).value,
    }
