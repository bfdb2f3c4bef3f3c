"""Document 001: which likelihood for grey digits, and what the latent space holds."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from math import log
from typing import ClassVar

import numpy as np
from typing_extensions import override

from distaff import figures
from distaff.data import Mnist
from distaff.data.binarize import binarize
from distaff.experiment import Experiment
from distaff.likelihoods import LIKELIHOODS
from distaff.models import IWAE, VAE
from distaff.nets import ConvolutionalDecoder, ConvolutionalEncoder
from distaff.recipes import MNIST_IWAE
from distaff.runs import Run
from distaff.studies.mnist_likelihoods.latents import completion, inference, latent_space
from distaff.studies.mnist_likelihoods.nested_bounds import NestedBounds, bounds_of_images, combine
from distaff.studies.mnist_likelihoods.trained import (
    Estimate,
    Scale,
    draw,
    generator,
    normal,
    posterior_sample,
    trained_model,
)
from distaff.studies.study import Budget, Results, Study, StudyContext, for_smoke
from distaff.training.settings import Training, number_of_steps

TASKS = {
    "learned-gaussian": ("1b", "1d"),
    "beta": ("2b", "2b"),
    "categorical": ("2c", "2c"),
    "bernoulli": ("2d", "2d"),
    "continuous-bernoulli": ("2e", "2e"),
    "discretized-logistic": ("2e", "2e"),
}
"""Likelihoods compared, with the tasks of the document for which curves and pictures are drawn."""
FAVOURITE = "discretized-logistic"
"""Whose model is looked into in tasks 3 and 4: the best in the comparison of task 2e."""
LATENTS = 16
TRAINING_IMAGES = 50_000
BATCH = 128
PIXELS = 28 * 28
SAMPLES_SHOWN = 64
"""Images in the figures of samples."""
RECONSTRUCTED = 32


SCALES: dict[Budget, Scale] = {
    "smoke": Scale(
        widths=(4,),
        hidden=(16,),
        epochs=1,
        iwae_epochs=1,
        bounded={1: 64, 5: 16, 20: 8},
        inferred=24,
        inference_steps=10,
    ),
    "quick": Scale(
        widths=(16, 32),
        hidden=(128,),
        epochs=15,
        iwae_epochs=2,
        bounded={1: 10_000, 50: 1000, 5000: 50},
        inferred=256,
        inference_steps=1000,
    ),
    "full": Scale(
        widths=(32, 64),
        hidden=(256,),
        epochs=100,
        iwae_epochs=200,
        bounded={1: 10_000, 50: 10_000, 5000: 1000},
        inferred=1024,
        inference_steps=3000,
    ),
}


QUICK_SECONDS = {
    "learned-gaussian": 530,
    "beta": 980,
    "categorical": 370,
    "bernoulli": 190,
    "continuous-bernoulli": 210,
    "discretized-logistic": 240,
    "plane": 260,
    "iwae": 70,
    "pictures": 10,
    "comparison": 550,
    "inference": 70,
    "completion": 400,
    "iwae-bounds": 60,
}


class MnistLikelihoods(Study):
    """Six likelihoods on MNIST, the latent space, inference without the encoder, completion.

    Reference: assignment 3 of the course "Generative Models" (2AMU20, June 2021).
    """

    name = "mnist-likelihoods"
    title = "Likelihoods and latent space of a variational autoencoder on MNIST"
    # of the first run at budget quick, one thread on a machine with other work; full: by its images
    estimates: ClassVar[Mapping[Budget, Mapping[str, float]]] = {
        "quick": QUICK_SECONDS,
        "full": {step: 20 * seconds for step, seconds in QUICK_SECONDS.items()},
    }

    @property
    def scale(self) -> Scale:
        """The settings of the budget."""
        return SCALES[self.budget]

    @cached_property
    @override
    def experiments(self) -> Mapping[str, Experiment]:
        models = {kind: self._experiment(kind, LATENTS) for kind in TASKS}
        iwae = self._training(replace(MNIST_IWAE.training, epochs=self.scale.iwae_epochs))
        return models | {
            "favourite": models[FAVOURITE],
            "plane": self._experiment(FAVOURITE, 2),
            "iwae": replace(MNIST_IWAE, training=iwae),
        }

    def _experiment(self, likelihood: str, latents: int) -> Experiment:
        nets = {"widths": self.scale.widths, "hidden": self.scale.hidden}
        return Experiment(
            name="mnist-likelihoods",
            data=Mnist.Config(),
            model=VAE.Config(
                latents=latents,
                encoder=ConvolutionalEncoder.Config(**nets),
                decoder=ConvolutionalDecoder.Config(**nets),
                likelihood=LIKELIHOODS[likelihood].Config(),
            ),
            training=self._training(
                Training(
                    epochs=self.scale.epochs,
                    batch_size=BATCH,
                    log_every=TRAINING_IMAGES // BATCH,
                    validate_every=TRAINING_IMAGES // BATCH,
                    validation_images=10_000,
                    training_images=TRAINING_IMAGES,
                    patience=3,
                    minimal_gain=0.1,
                )
            ),
        )

    def _training(self, training: Training) -> Training:
        return for_smoke(training) if self.budget == "smoke" else training

    @property
    @override
    def tasks(self) -> Mapping[str, Callable[[StudyContext], Results]]:
        return {
            "curves": curves,
            "pictures": pictures,
            "comparison": partial(comparison, scale=self.scale),
            "latent-space": latent_space,
            "inference": partial(inference, scale=self.scale),
            "completion": partial(completion, scale=self.scale),
            "iwae-bounds": partial(iwae, scale=self.scale),
        }


def curves(bench: StudyContext) -> Results:
    """Tasks 1b and 1c: the bound over the epochs, and where the training stopped."""
    return {kind: _curve(bench, kind, task) for kind, (task, _) in TASKS.items()}


def _curve(bench: StudyContext, kind: str, task: str) -> Results:
    run = bench.run(kind)
    epochs, _ = _looks(run, "validation")
    bounds = {part: _looks(run, part)[1] for part in ("training", "validation")}
    end = run.read("environment.json")
    best = end["best_step"] / end["steps"] * epochs[-1]
    quantity = "objective" if kind == "bernoulli" else "ELBO"
    bench.draw(
        f"task-{task}-elbo-{kind}",
        figures.elbo_curves(
            epochs, bounds, best=best, quantity=quantity, title=f"likelihood {kind}"
        ),
        f"The {quantity} of the model with the likelihood {kind} over the epochs, on training and "
        f"on validation images, both measured without gradients after each epoch. The dotted line "
        f"marks the epoch whose parameters are kept.",
    )
    kept = int(np.argmax(bounds["validation"]))
    return {
        "epochs": round(epochs[-1], 2),
        "best_epoch": round(best, 2),
        "stopped": end["steps"] < number_of_steps(run.experiment.training, TRAINING_IMAGES),
        **{part: values[kept] for part, values in bounds.items()},
    }


def _looks(run: Run, part: str) -> tuple[list[float], list[float]]:
    """Epochs at which the images of a part were looked at, and the bounds found."""
    lines = [line for line in run.log if line["split"] == part]
    steps = TRAINING_IMAGES // run.experiment.training.batch_size
    return [line["step"] / steps for line in lines], [-line["objective"] for line in lines]


def pictures(bench: StudyContext) -> Results:
    """Task 1d: reconstructions by the document's four steps, and samples from the prior."""
    for kind, (_, task) in TASKS.items():
        subject = trained_model(bench, kind)
        images = subject.images(RECONSTRUCTED)
        sampled, mean = draw(subject.model, posterior_sample(subject.model, images))
        bench.draw(
            f"task-{task}-reconstructions-{kind}",
            figures.image_panels(
                {
                    "x | x′ sampled from p(X|z)": figures.pairs(images.numpy(), sampled),
                    "x | mean of p(X|z)": figures.pairs(images.numpy(), mean),
                }
            ),
            f"The first {RECONSTRUCTED} test images, each with its reconstruction on its right; "
            f"likelihood {kind}. Left: z sampled from q(Z|x), then x′ sampled from p(X|z). Right: "
            f"the mean of p(X|z) for the same z.",
        )
        latents = normal(SAMPLES_SHOWN, subject.model.config.latents)
        sampled, mean = draw(subject.model, latents)
        bench.draw(
            f"task-{task}-samples-{kind}",
            figures.image_panels(
                {
                    "x′ sampled from p(X|z)": sampled.reshape(8, 8, *sampled.shape[1:]),
                    "mean of p(X|z)": mean.reshape(8, 8, *mean.shape[1:]),
                }
            ),
            f"{SAMPLES_SHOWN} new images, likelihood {kind}: z sampled from the prior, then x′ "
            f"from p(X|z) (left); for the same z the mean of p(X|z) (right).",
        )
    test = trained_model(bench, "favourite")
    return {"black": float((test.images(len(test.test)) == 0).float().mean())}


def comparison(bench: StudyContext, scale: Scale) -> Results:
    """Tasks 2a and 2e: all likelihoods on the scale of the 256 grey levels."""
    found = {kind: _bounds(bench, kind, scale) for kind in TASKS}
    rows = {kind: found[kind]["bounds"] for kind in TASKS}
    bits = {
        kind: {f"k = {k}": _bits(bound) for k, bound in bounds.items()}
        for kind, bounds in rows.items()
    }
    middle = str(list(scale.bounded)[1])
    order = sorted(rows, key=lambda kind: -rows[kind][middle]["mean"])
    bench.draw(
        "task-2e-comparison",
        figures.intervals(
            bits, order=order, quantity="bits per dimension of the 256-level pixel (less is better)"
        ),
        "Upper bounds on the bits that a pixel of a test image costs, from the importance-weighted "
        "bound with k samples, with 95 % intervals over images. k = 1 is the ELBO.",
    )
    return {
        "nats": rows,
        "gains": {kind: found[kind]["gains"] for kind in TASKS},
        "bits": bits,
        "order": order,
        "samples": [str(k) for k in scale.bounded],
    }


def _bounds(bench: StudyContext, kind: str, scale: Scale) -> NestedBounds:
    """Bounds on log P(x) of the 256-level image in nats."""
    subject = trained_model(bench, kind)
    images = subject.drawn(max(scale.bounded.values()))
    log_prob = subject.model.likelihood.log_prob_of_levels
    return combine(bounds_of_images(subject.model, images, scale.bounded, log_prob=log_prob))


def _bits(bound: Estimate) -> tuple[float, float, float]:
    """Nats per image as bits per dimension: value, lower and upper end."""
    value, high, low = (-bound[key] / (PIXELS * log(2)) for key in ("mean", "low", "high"))
    return value, low, high


def iwae(bench: StudyContext, scale: Scale) -> Results:
    """The check against the literature: binarised again at each visit, importance weighted."""
    run, subject = bench.run("iwae"), trained_model(bench, "iwae")
    assert isinstance(subject.model, IWAE)
    epochs, bounds = _looks(run, "validation")
    bench.draw(
        "beyond-iwae-curve",
        figures.elbo_curves(
            epochs,
            {"validation": bounds},
            quantity=f"bound with k = {subject.model.config.samples}",
        ),
        "The importance-weighted bound on binarised validation images after each epoch.",
    )
    images = binarize(subject.drawn(max(scale.bounded.values())), generator())
    found = bounds_of_images(subject.model, images, scale.bounded)
    return dict(combine({samples: -nats for samples, nats in found.items()}))
