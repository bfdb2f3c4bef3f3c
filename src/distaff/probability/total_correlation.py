r"""The total correlation of the aggregate posterior, from a minibatch, in nats.

The aggregate posterior q(z) = 1/N sum_j q(z|x_j) over all N images has the total correlation
KL(q(z) || prod_d q(z_d)). A training step sees B of the images and estimates log q at its own
samples z_i ~ q(z|x_i) by

    log q(z_i) = log sum_j w_ij q(z_i|x_j),

and each log q(z_id) likewise (Chen, Li, Grosse, Duvenaud 2018, "Isolating sources of
disentanglement in VAEs", arXiv:1802.04942, appendix C). With M = B - 1 the weights are

    stratified   w_ii = 1/N, w_ij = (N - M) / (N M) for one other image, 1/M for each of the rest
    weighted     w_ij = 1 / (N B)
    whole        w_ij = 1/N, where all N images are given

Stratified weights sum to 1 in each row, and the mean of the sum over all choices of the other
images is q(z_i) itself. Weighted ones sum to 1/N: too low by up to log N where posteriors overlap.
In the official code of the paper the weight of an image itself is not on the diagonal but in the
first column, a slip that its copies share and that adds several nats to the total correlation.
"""

from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.probability.gaussian import HALF_LOG_TWO_PI, DiagonalGaussian

Sampling: TypeAlias = Literal["stratified", "weighted", "whole"]


def total_correlation(
    latents: Float[Tensor, "sample latent"],
    posterior: DiagonalGaussian,
    *,
    image_count: int,
    sampling: Sampling = "stratified",
) -> Float[Tensor, ""]:
    """Returns the estimate of KL(q(z) || prod_d q(z_d)), averaged over the samples.

    Args:
        latents: samples of the posterior, one for each of its images; with "whole", any samples
            of the aggregate.
        posterior: of the images of the batch; with "whole", of all images.
        image_count: N, images that there are to train on.
        sampling: which weights stand for the images that were not drawn.

    Raises:
        ValueError: numbers of samples and images that do not fit the sampling.
    """
    joint, marginal = log_aggregate_density(
        latents, posterior, image_count=image_count, sampling=sampling
    )
    return (joint - marginal.sum(dim=1)).mean()


def log_aggregate_density(
    latents: Float[Tensor, "sample latent"],
    posterior: DiagonalGaussian,
    *,
    image_count: int,
    sampling: Sampling = "stratified",
) -> tuple[Float[Tensor, " sample"], Float[Tensor, "sample latent"]]:
    """Returns the estimates of log q(z) and of the log q(z_d) of each latent, constants included.

    Arguments and errors are those of `total_correlation`.
    """
    images = len(posterior.mean)
    if sampling == "whole":
        if images != image_count:
            raise ValueError(f"'whole' needs the posterior of all {image_count}, not {images}")
    elif not 2 <= images <= image_count or len(latents) != images:
        raise ValueError(
            f"{len(latents)} samples of {images} posteriors out of {image_count} images; give one "
            f"sample for each of 2 or more, and no more than there are"
        )
    weights = _log_weights(len(latents), images, image_count, sampling).to(latents)
    # [sample, image, latent]
    standardized = (latents[:, None] - posterior.mean) * (-posterior.log_std).exp()
    log_prob = -0.5 * standardized.square() - posterior.log_std - HALF_LOG_TWO_PI
    joint = torch.logsumexp(weights + log_prob.sum(dim=2), dim=1)
    return joint, torch.logsumexp(weights[:, :, None] + log_prob, dim=1)


def _log_weights(
    samples: int, images: int, image_count: int, sampling: Sampling
) -> Float[Tensor, "sample image"]:
    if sampling == "whole":
        return torch.full((samples, images), 1 / image_count, dtype=torch.float64).log()
    if sampling == "weighted":
        return torch.full((samples, images), 1 / (image_count * images), dtype=torch.float64).log()
    others = images - 1
    own = torch.eye(images, dtype=torch.bool)
    rest = torch.full((images, images), 1 / others, dtype=torch.float64)
    rest = torch.where(own.roll(1, dims=1), (image_count - others) / (image_count * others), rest)
    return torch.where(own, 1 / image_count, rest).log()
