"""Conditional model to judgement: whether it draws what it is asked for, and how variously."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from distaff.data import FactorDataset
from distaff.errors import UsageError
from distaff.models import Classifier, ConditionalVAE
from distaff.score import Array

Pictures = Float[np.ndarray, "image channel height width"]
Values = Int[np.ndarray, " image"]
RealPictures = Float[np.ndarray, "real channel height width"]
RealValues = Int[np.ndarray, " real"]


class Judgement(NamedTuple):
    """What a classifier and the real images say of images that were asked for by value."""

    accuracy: float
    """Share of the images that the classifier takes for what was asked for."""
    confusion: Float[np.ndarray, "asked seen"]
    """Share of the images of a row's value that are taken for the column's; a row sums to 1."""
    entropy: float
    """Mean entropy of what the classifier says of an image, in nats: 0 where it is sure."""
    variance: Float[np.ndarray, " asked"]
    """Variance of a pixel among the images of each value, averaged over the pixels."""
    real_variance: Float[np.ndarray, " asked"]
    """The same among the real images."""
    diversity: float
    """Mean variance over mean real variance: 0 where all images of a value are the same, 1 where
    they vary as the real ones do."""


def judge_model(
    model: ConditionalVAE,
    classifier: Classifier,
    real: FactorDataset,
    *,
    per_value: int = 100,
    seed: int = 0,
) -> Judgement:
    """Asks a model for mean images of each value, with the same latents, and judges them.

    Args:
        model: conditional on the factor that the classifier knows.
        classifier: trained on real images.
        real: images to compare with, for example the test part; some of each value.
        per_value: number of images of each value.
        seed: of the latents.

    Raises:
        UsageError: model and classifier know different factors, or a value has no real image.
    """
    factors = [m.spec.factor_names[m.factor : m.factor + 1] for m in (model, classifier)]
    if factors[0] != factors[1]:
        raise UsageError(
            f"the model is conditional on {factors[0]} and the classifier knows {factors[1]}; give "
            f"two of one factor."
        )
    values = range(model.context_size)
    drawn = [
        model.sample(per_value, seed=seed, context=model.context_of([value] * per_value))
        for value in values
    ]
    with torch.no_grad():
        # the mean of a Gaussian pixel may lie outside of what a picture can show
        said = [classifier.probabilities(images.clamp(0, 1)).cpu() for images in drawn]
    return judge(
        torch.cat(said).numpy(),
        np.repeat(values, per_value),
        torch.cat(drawn).cpu().numpy(),
        real.images_at(range(len(real))).cpu().numpy(),
        real.factors[:, model.factor].long().cpu().numpy(),
    )


def judge(
    probabilities: Float[np.ndarray, "image value"],
    asked: Values,
    images: Pictures,
    real_images: RealPictures,
    real_values: RealValues,
) -> Judgement:
    """Judges images, whoever drew and whoever classified them.

    Args:
        probabilities: what a classifier says of each image.
        asked: index of the value that each image was asked to show.
        images: [image, channel, height, width].
        real_images: [real, channel, height, width], some of each value.
        real_values: index of the value of each real image.

    Raises:
        UsageError: a value has no image, or no real one.
    """
    size = probabilities.shape[1]
    counts = np.zeros((size, size))
    np.add.at(counts, (asked, probabilities.argmax(axis=1)), 1)
    variance = _variances(images, asked, size)
    real_variance = _variances(real_images, real_values, size)
    surprise = -np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    return Judgement(
        accuracy=float(counts.trace() / len(asked)),
        confusion=counts / counts.sum(axis=1, keepdims=True),
        entropy=float((probabilities * surprise).sum(axis=1).mean()),
        variance=variance,
        real_variance=real_variance,
        diversity=float(variance.mean() / real_variance.mean()),
    )


def _variances(images: Array, values: Array, size: int) -> Array:
    missing = sorted(set(range(size)) - set(values.tolist()))
    if missing:
        raise UsageError(f"no image of the values {missing}; give some of each value.")
    return np.array([images[values == value].var(axis=0).mean() for value in range(size)])
