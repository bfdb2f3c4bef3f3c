"""The module that names shape and turn, and how it learns both without labels.

A picture is rings around its centroid (`polar_crop`), so that a turn is a shift along the rings and
the likelihood of every turn is one circular correlation, taken by the fast Fourier transform.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from torch import Tensor

Crops = Float[Tensor, "batch radius angle"]
RingTemplates = Float[Tensor, "slot radius angle"]
Shares = Float[Tensor, "batch slot angle"]

LEAST, MOST = 0.02, 0.98
"""Of the probability that a point is bright, which no number of pictures settles."""
ROUNDS = 12
"""Of expectation and maximisation; the likelihood stands still after about five."""
STEPS, RATE, BATCH = 300, 0.1, 256
"""Of gradient descent, with Adam on the logits of templates; pictures a step."""
FEWEST = 0.001
"""Share of the pictures that a slot has to have."""
ALIKE = 1 / 30
"""Difference of two templates of one shape, at most, as a share of the power of both."""


class RingMixture(NamedTuple):
    """Shapes as rings, each with its share of the pictures."""

    templates: RingTemplates
    """How likely each point is bright."""
    shares: Float[Tensor, " slot"]
    """Of the pictures; they sum to 1."""
    log_likelihood: float
    """Mean over the pictures, in nats."""


def log_likelihoods(
    crops: Crops, templates: RingTemplates, pixels: Float[Tensor, " batch"]
) -> Shares:
    """Returns log p(crop | slot, turn) for every slot and every turn, in nats.

    A point of the crop is bright or not, independently of the others, and counts as the pixels that
    it stands for. All turns together cost N K R A numbers for N crops, K slots and rings of R x A
    points, instead of A times as many.

    Args:
        crops: in [0, 1].
        templates: in [0, 1], kept between 0.02 and 0.98.
        pixels: which each crop covers.

    Returns:
        [batch, slot, angle]; turn k is counter-clockwise by k angles.
    """
    _, radii, angles = crops.shape
    weight = _ring_weights(crops)
    bright = templates.clamp(LEAST, MOST)
    odds = torch.fft.rfft(bright.logit() * weight[:, None], dim=2)
    product = torch.einsum("nrf,krf->nkf", torch.fft.rfft(crops, dim=2), odds.conj())
    dark = ((1 - bright).log() * weight[:, None]).sum(dim=(1, 2))
    found = torch.fft.irfft(product, n=angles, dim=2) + dark[:, None]
    scaled: Tensor = found * (pixels / (radii * angles))[:, None, None]
    return scaled


def mean_rings(crops: Crops, shares: Shares) -> RingTemplates:
    """Returns for each slot the mean of the crops, turned back, weighed by their shares."""
    angles = crops.shape[2]
    spectra, weights = torch.fft.rfft(crops, dim=2), torch.fft.rfft(shares, dim=2)
    sums = torch.einsum("nrf,nkf->krf", spectra, weights.conj())
    mass = shares.sum(dim=(0, 2)).clamp(min=1e-6)
    means: Tensor = torch.fft.irfft(sums, n=angles, dim=2) / mass[:, None, None]
    return means


def fit_rings(
    crops: Crops, pixels: Float[Tensor, " batch"], slots: int, *, seed: int
) -> RingMixture:
    """Learns shapes that come in any turn, by expectation maximisation over slot and turn.

    It begins with k-means on the spectra along the rings, whose absolute values do not change with
    a turn; of each cluster the crop nearest to its centre is the first template. With more slots
    than shapes none of these is left out; `distinct` then tells which slots hold one of their own.

    Args:
        crops: of the pictures.
        pixels: which each crop covers.
        slots: number of templates.
        seed: of k-means.

    Reference: Dempster, Laird, Rubin 1977, "Maximum likelihood from incomplete data via the EM
    algorithm".
    """
    spectra = torch.fft.rfft(crops, dim=2).abs() * _ring_weights(crops).sqrt()[:, None]
    features = spectra[:, :, : crops.shape[2] // 6].flatten(1).numpy()
    start = KMeans(slots, n_init=10, random_state=seed).fit(features)
    first = [
        int(np.linalg.norm(features - centre, axis=1).argmin()) for centre in start.cluster_centers_
    ]
    templates = crops[torch.tensor(first)]
    return improved(crops, pixels, templates)


def descend_rings(
    crops: Crops, pixels: Float[Tensor, " batch"], slots: int, *, seed: int
) -> RingMixture:
    """Learns shapes that come in any turn by gradient descent on -log p, from random templates.

    The gradient of log p weighs every slot and turn by its posterior, a softmax, and so trains the
    templates end to end. Slots that no picture prefers at first may stay empty.

    Args:
        crops: of the pictures.
        pixels: which each crop covers.
        slots: number of templates.
        seed: of templates and batches.
    """
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(slots, *crops.shape[1:], generator=generator) * 0.1
    logits.requires_grad_()
    adam = torch.optim.Adam([logits], lr=RATE)
    with torch.enable_grad():
        for _ in range(STEPS):
            rows = torch.randint(len(crops), (BATCH,), generator=generator)
            joint = log_likelihoods(crops[rows], logits.sigmoid(), pixels[rows])
            loss = -joint.flatten(1).logsumexp(dim=1).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
    return improved(crops, pixels, logits.detach().sigmoid(), rounds=1)


def improved(
    crops: Crops, pixels: Float[Tensor, " batch"], templates: RingTemplates, *, rounds: int = ROUNDS
) -> RingMixture:
    """Returns the mixture after so many rounds of expectation and maximisation."""
    evenly = torch.full((len(templates),), 1 / len(templates))
    found = RingMixture(templates, evenly, float("-inf"))
    for _ in range(rounds):
        prior = (found.shares.clamp(min=1e-9) / crops.shape[2]).log()
        joint = log_likelihoods(crops, found.templates, pixels) + prior[:, None]
        shares = joint.flatten(1).softmax(dim=1).view_as(joint)
        found = RingMixture(
            mean_rings(crops, shares),
            shares.sum(dim=(0, 2)) / len(crops),
            float(joint.flatten(1).logsumexp(dim=1).mean()),
        )
    return found


def distinct(templates: RingTemplates, shares: Float[Tensor, " slot"]) -> Int[Tensor, " shape"]:
    """Returns the slots that hold shapes of their own, those with the largest shares first.

    Of two templates that differ, under their best turn, by less than a thirtieth of the power of
    both, the one with the smaller share is left out. Square, ellipse and heart differ by a tenth.

    Args:
        templates: of all slots.
        shares: of the pictures, or their numbers; a slot with less than a thousandth of all is
            left out.
    """
    weight = _ring_weights(templates)[:, None]
    powers = (templates.square() * weight).sum(dim=(1, 2))
    kept: list[int] = []
    for slot in shares.argsort(descending=True).tolist():
        gaps = [
            float(_distance(templates[slot], templates[other], weight))
            / float(powers[slot] + powers[other])
            for other in kept
        ]
        enough = float(shares[slot]) > FEWEST * float(shares.sum())
        if enough and min(gaps, default=1.0) > ALIKE:
            kept.append(slot)
    return torch.tensor(kept)


def best_of(log_likelihoods: Shares) -> tuple[Int[Tensor, " batch"], Int[Tensor, " batch"]]:
    """Returns the likeliest slot of each picture and its turn, as an index of the angles."""
    best = log_likelihoods.flatten(1).argmax(dim=1)
    return best // log_likelihoods.shape[2], best % log_likelihoods.shape[2]


def _distance(
    first: Float[Tensor, "radius angle"],
    second: Float[Tensor, "radius angle"],
    weight: Float[Tensor, "radius 1"],
) -> Float[Tensor, ""]:
    """Squared difference of two templates under the best turn."""
    cross = torch.fft.rfft(first * weight, dim=1) * torch.fft.rfft(second, dim=1).conj()
    product = torch.fft.irfft(cross.sum(dim=0), n=first.shape[1]).amax()
    distance: Tensor = ((first.square() + second.square()) * weight).sum() - 2 * product
    return distance


def _ring_weights(crops: Crops) -> Float[Tensor, " radius"]:
    """The area of each ring, 1 in the mean."""
    radii = crops.shape[1]
    return (2 * torch.arange(radii, device=crops.device) + 1) / radii
