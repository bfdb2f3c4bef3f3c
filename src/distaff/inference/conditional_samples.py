"""Judges a conditional model: whether it draws what was asked for, and with how much variety."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from distaff.arrays import Array
from distaff.data import FactorDataset
from distaff.errors import UsageError
from distaff.metrics.randomness import stream
from distaff.models import Classifier, ConditionalVAE

Pictures = Float[np.ndarray, "image channel height width"]
Values = Int[np.ndarray, " image"]
RealPictures = Float[np.ndarray, "real channel height width"]
RealValues = Int[np.ndarray, " real"]
Flat = Float[np.ndarray, "_ pixel"]


class ConditionalAccuracy(NamedTuple):
    """What a classifier and the real images say of images that were asked for by value."""

    accuracy: float
    """Share of the images that the classifier takes for what was asked for."""
    confusion: Float[np.ndarray, "asked seen"]
    """Share of the images of a row's value that are taken for the column's; a row sums to 1."""
    entropy: float
    """Mean entropy of what the classifier says of an image, in nats: 0 where it is sure."""
    variance: Float[np.ndarray, " asked"]
    """Variance of a pixel among the images of each value, without bias, averaged over the pixels.
    Real images and samples have the noise of single pixels in it; mean images do not."""
    real_variance: Float[np.ndarray, " asked"]
    """The same among the real images."""
    diversity: float
    """How much the images of a value vary in the ways in which the real ones do: the covariances
    of different pixels, projected onto those of the real images,

        sum_v <C_v, R_v> / sum_v <R_v, R_v>,    <A, B> = sum_(i != j) A_ij B_ij,

    numerator and denominator without bias. 1 for a perfect model, whether its samples or its mean
    images are judged: noise that is independent between pixels enters no covariance. 0 where the
    images of a value differ in such noise alone. nan where the real images have no covariances."""


def conditional_accuracy(
    model: ConditionalVAE,
    classifier: Classifier,
    real: FactorDataset,
    *,
    per_value: int = 100,
    seed: int = 0,
) -> ConditionalAccuracy:
    """Asks a model for mean images of each value, with the same latents, and judges them.

    Args:
        model: conditional on the factor that the classifier knows.
        classifier: trained on real images.
        real: images to compare with, for example the test split; four or more of each value.
        per_value: number of images of each value.
        seed: of the latents.

    Raises:
        UsageError: model and classifier know different factors, `per_value` is below 2, or a value
            has fewer than four real images.
    """
    factors = [m.spec.factor_names[m.factor : m.factor + 1] for m in (model, classifier)]
    if factors[0] != factors[1]:
        raise UsageError(
            f"the model is conditional on {factors[0]} and the classifier knows {factors[1]}; give "
            f"two of one factor."
        )
    values = range(model.context_size)
    drawn = [
        model.sample(per_value, seed=seed, context=model.context_at([value] * per_value))
        for value in values
    ]
    # the mean of a Gaussian pixel may lie outside of what a picture can show
    said = [classifier.probabilities(images.clip(0, 1)) for images in drawn]
    return accuracy_of_images(
        np.concatenate(said),
        np.repeat(values, per_value),
        np.concatenate(drawn),
        real.images_at(range(len(real))).cpu().numpy(),
        real.factors[:, model.factor].long().cpu().numpy(),
    )


def accuracy_of_images(
    probabilities: Float[np.ndarray, "image value"],
    asked: Values,
    images: Pictures,
    real_images: RealPictures,
    real_values: RealValues,
) -> ConditionalAccuracy:
    """Judges images by what a classifier says of them.

    Args:
        probabilities: what a classifier says of each image.
        asked: index of the value that each image was asked to show.
        images: [image, channel, height, width], two or more of each value; samples, or mean images.
        real_images: [real, channel, height, width], four or more of each value.
        real_values: index of the value of each real image.

    Raises:
        UsageError: a value has fewer images than that.
    """
    size = probabilities.shape[1]
    counts = np.zeros((size, size))
    np.add.at(counts, (asked, probabilities.argmax(axis=1)), 1)
    drawn = _by_value(images, asked, size, 2, "images")
    real = _by_value(real_images, real_values, size, 4, "real images")
    surprise = -np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    return ConditionalAccuracy(
        accuracy=float(counts.trace() / len(asked)),
        confusion=counts / counts.sum(axis=1, keepdims=True),
        entropy=float((probabilities * surprise).sum(axis=1).mean()),
        variance=np.array([rows.var(axis=0, ddof=1).mean() for rows in drawn]),
        real_variance=np.array([rows.var(axis=0, ddof=1).mean() for rows in real]),
        diversity=_diversity(drawn, real),
    )


def _by_value(images: Array, values: Array, size: int, least: int, what: str) -> list[Flat]:
    """The images of each value, one a row, float64."""
    counts = np.bincount(values, minlength=size)
    few = [value for value in range(size) if counts[value] < least]
    if few:
        raise UsageError(
            f"the values {few} have {[int(counts[value]) for value in few]} {what}; give {least} "
            f"or more of each."
        )
    flat = images.reshape(len(images), -1).astype(np.float64)
    return [flat[values == value] for value in range(size)]


def _diversity(drawn: list[Flat], real: list[Flat]) -> float:
    """Returns `ConditionalAccuracy.diversity`.

    The denominator is the product of two halves of the real images, which are independent: the
    square of one estimate would be too large.
    """
    generator = stream(0, "halves of the real images")
    shared = whole = 0.0
    for images, originals in zip(drawn, real, strict=True):
        first, second = np.array_split(generator.permutation(originals), 2)
        shared += _product(images, originals)
        whole += _product(first, second)
    return shared / whole if whole > 0 else float("nan")


def _product(first: Flat, second: Flat) -> float:
    """<A, B> of the covariances of two sets of images, by the smaller of two matrices."""
    a, b = ((rows - rows.mean(axis=0)) / (len(rows) - 1) ** 0.5 for rows in (first, second))
    same_pixel = np.square(a).sum(axis=0) @ np.square(b).sum(axis=0)
    by_image = len(a) * len(b) < a.shape[1] ** 2
    every_pixel = np.square(a @ b.T).sum() if by_image else np.vdot(a.T @ a, b.T @ b)
    return float(every_pixel - same_pixel)
