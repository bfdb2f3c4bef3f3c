"""Trains the recipe mnist-iwae and writes docs/iwae.md with its test likelihood and its curve.

Run with `python docs/make_iwae.py [--runs FOLDER] [--images N]`: somewhat over an hour on two cores
for the training, which is found again where it is finished, and some minutes for the bounds.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from distaff.cli.progress import TrainingProgress
from distaff.data.binarize import binarize
from distaff.figures import elbo_curves
from distaff.figures.house_style import house_style
from distaff.inference.bounds import importance_weighted_bound
from distaff.recipes import MNIST_IWAE
from distaff.runs import Run
from distaff.train import train

DOCS = Path(__file__).parent
SAMPLES = (1, 50, 5000)
PUBLISHED = (
    ("VAE, one stochastic layer", 86.76),
    ("IWAE, k = 5", 85.54),
    ("IWAE, k = 50", 84.78),
)
PAGE = """# Likelihood of binarised MNIST

```
distaff train mnist-iwae        # {minutes:.0f} minutes of one thread, on a machine with other work
python docs/make_iwae.py        # writes this page
```

An importance-weighted autoencoder with one stochastic layer of {latents} latents, {train_samples}
samples a step, residual nets of {parameters:,} parameters, {epochs} epochs over the 50,000 training
images, each pixel redrawn as on or off at each visit. Negative bounds in nats on the 10,000 test
images, drawn once with seed 0. What k = 5000 gains over k = 50 is measured on {images} of them,
which gives it an interval:

| | nats per image |
|---|---|
{rows}

For comparison, from table 1 of Burda et al. 2016 (3,280 epochs, 2 x 200 tanh units, all 10,000 test
images, k = 5000):

| | nats per image |
|---|---|
{published}

![The bound on validation images](figures/iwae-curve.png)
"""


def main() -> None:
    """Trains, measures, draws and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--images", type=int, default=500)
    arguments = parser.parse_args()
    with TrainingProgress() as progress:
        (run,) = train(MNIST_IWAE, arguments.runs, resume=True, progress=progress)
    draw(run)
    environment = run.read("environment.json")
    page = PAGE.format(
        minutes=environment["seconds"] / 60,
        latents=MNIST_IWAE.model.latents,  # type: ignore[attr-defined]
        train_samples=MNIST_IWAE.model.samples,  # type: ignore[attr-defined]
        parameters=environment["parameters"],
        epochs=MNIST_IWAE.training.epochs,
        images=arguments.images,
        rows="\n".join(bounds(run, arguments.images)),
        published="\n".join(f"| {name} | {nats} |" for name, nats in PUBLISHED),
    )
    (DOCS / "iwae.md").write_text(page)


def bounds(run: Run, count: int) -> list[str]:
    """A line of the table for each number of samples."""
    model, test = run.load_generative(), run.load_dataset().split("test")
    images = binarize(test.images_at(range(len(test))), torch.Generator().manual_seed(0))

    def nats(some: Tensor, samples: int) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        return -importance_weighted_bound(model, some, samples=samples, generator=generator)

    one, few = (nats(images, samples).mean().item() for samples in SAMPLES[:2])
    gains = nats(images[:count], SAMPLES[1]) - nats(images[:count], SAMPLES[2])
    margin = 1.96 * gains.std().item() / count**0.5
    return [
        f"| negative ELBO | {one:.2f} |",
        f"| k = {SAMPLES[1]} | {few:.2f} |",
        f"| k = {SAMPLES[2]} | {few - gains.mean().item():.2f} ± {margin:.2f} |",
    ]


def draw(run: Run) -> None:
    """The curve of the bound on validation images."""
    looks = [line for line in run.log if line["split"] == "validation"]
    steps = 50_000 / MNIST_IWAE.training.batch_size
    figure = elbo_curves(
        [line["step"] / steps for line in looks],
        {"validation": [-line["objective"] for line in looks]},
        quantity=f"bound with k = {MNIST_IWAE.model.samples}",  # type: ignore[attr-defined]
    )
    with house_style():
        figure.savefig(DOCS / "figures/iwae-curve.png")


if __name__ == "__main__":
    main()
