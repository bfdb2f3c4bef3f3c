"""Bounds with more and more samples on fewer and fewer images, as means over all of them.

Of N images with the ELBO, the first n_2 also have L_50 and the first n_3 of these L_5000. What a
bound gains on the one before differs little from image to image, whereas the bound itself differs
by a hundred nats, so the mean of each is estimated as

    mean_N(ELBO) + mean_n2(L_50 - ELBO) + mean_n3(L_5000 - L_50),

the difference estimator of two-phase sampling (Cochran 1977, "Sampling techniques", chapter 12).
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import TypedDict

import numpy as np

from distaff.arrays import Array
from distaff.inference.bounds import LogProb, importance_weighted_bound
from distaff.models import GenerativeModel
from distaff.studies.mnist_likelihoods.trained import Estimate, generator, summary
from distaff.types import Images


class NestedBounds(TypedDict):
    """Means over images in nats, by number of samples, with 95 % intervals."""

    bounds: dict[str, Estimate]
    """Each an estimate of the mean over all images."""
    gains: dict[str, Estimate]
    """Each minus the one before on the same images, and on how many; the first has none."""


def bounds_of_images(
    model: GenerativeModel,
    images: Images,
    counts: Mapping[int, int],
    *,
    log_prob: LogProb | None = None,
) -> dict[int, Array]:
    """Returns the importance-weighted bound of each image, by number of samples.

    Args:
        model: a trained model.
        images: in random order, [batch, channel, height, width] in [0, 1].
        counts: number of samples -> on how many of the first images; falling.
        log_prob: as in `importance_weighted_bound`.
    """
    noise = generator()
    return {
        samples: importance_weighted_bound(
            model, images[:count], samples=samples, generator=noise, log_prob=log_prob
        ).numpy()
        for samples, count in counts.items()
    }


def combine(values: Mapping[int, Array]) -> NestedBounds:
    """Returns means and gains of bounds of each image, on fewer and fewer of the first ones.

    The interval of a sum has the covariances in it: an image adds to the sum a_i = ELBO_i / N +
    gain_i / n_2 + ..., as far as it was measured; images are independent, and those with the same
    measurements alike.

    Args:
        values: number of samples -> bound of each image; no array is longer than the one before.
    """
    lists = list(values.values())
    gains = [lists[0]] + [late - early[: len(late)] for early, late in pairwise(lists)]
    names = [str(samples) for samples in values]
    return {
        "bounds": {name: _sum_of_means(gains[: i + 1]) for i, name in enumerate(names)},
        "gains": {name: summary(gain) for name, gain in list(zip(names, gains, strict=True))[1:]},
    }


def _sum_of_means(parts: list[Array]) -> Estimate:
    added = np.zeros(len(parts[0]))
    for part in parts:
        added[: len(part)] += part / len(part)
    ends = [0, *sorted({len(part) for part in parts})]
    groups = [added[begin:end] for begin, end in pairwise(ends)]
    variance = sum(len(group) * np.var(group, ddof=1) for group in groups)
    mean, margin = float(added.sum()), 1.96 * float(variance) ** 0.5
    return {"mean": mean, "low": mean - margin, "high": mean + margin, "images": len(added)}
