"""Lower bounds on the log likelihood of images, in nats per image.

With weights w_s = p(x|z_s) p(z_s) / q(z_s|x) of samples z_s ~ q(z|x),

    ELBO = E[log w]  <=  L_k = E[log 1/k sum_s w_s]  <=  L_{k+1}  <=  log p(x)

(Burda et al. 2016, "Importance weighted autoencoders", equations 4 and 8 and theorem 1).
"""

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from distaff.arrays import Array
from distaff.errors import UsageError, memory_errors_as_sentence
from distaff.inference.encode import encode
from distaff.models import GenerativeModel
from distaff.models.iwae import log_prior_over_posterior
from distaff.models.pictures import Pictures
from distaff.probability.gaussian import DiagonalGaussian
from distaff.types import Context, Images, Outputs

LogProb = Callable[[Images, Outputs], Images]
"""Log likelihood of each pixel, from images and the decoder's outputs."""
Rows = Float[Tensor, "row latent"]
"""Latents of several samples of each image, those of an image one after the other."""
Nats = Float[Tensor, " batch"]
Mask = Bool[Tensor, "batch channel height width"]
"""True at the pixels of each image that are seen."""
Observed: TypeAlias = Tensor | Array
"""The same, or one mask of [height, width] for all images; bool, or numbers that are 0 and 1."""

ROWS = 1024
"""Rows of latents decoded at once, whatever the number of images and samples: what the decoder
puts out for them stays in the cache."""


@torch.no_grad()
@memory_errors_as_sentence("give fewer images or samples")
def importance_weighted_bound(
    model: GenerativeModel,
    images: Pictures,
    *,
    samples: int,
    generator: torch.Generator,
    context: Context | None = None,
    posterior: DiagonalGaussian | None = None,
    log_prob: LogProb | None = None,
    on_images: Callable[[int], None] = lambda _: None,
) -> Nats:
    """Returns an estimate of L_k of each image, float64, on the model's device.

    One sample gives the one-sample estimate of the ELBO. At most `ROWS` latents are decoded at
    once, so memory does not grow with `samples`; each image is encoded once.

    Args:
        model: a trained model.
        images: pictures as `model.prepare` takes them.
        samples: k.
        generator: of the samples.
        context: [batch, context], of a conditional model; the bounds are then on log p(x|c).
        posterior: q(z|x) of each image; by default the encoder's.
        log_prob: log likelihood of each pixel given images and the decoder's outputs, by default
            that of the model's likelihood.
        on_images: called with the number of images done or in progress.

    Raises:
        UsageError: `samples` is below 1, or a context that does not fit the model; and as in
            `model.prepare`.
    """
    prepared = model.prepare(images)
    given = checked_context(model, context, len(prepared))
    q = posterior or encode(model, prepared, given)

    def log_weights(rows: slice, drawn: int) -> Float[Tensor, "some drawn"]:
        some = posterior_at(q, rows)
        latents = sampled(some, drawn, generator)
        nats = log_likelihoods(
            model,
            prepared[rows],
            latents,
            context=context_rows(given, rows),
            log_prob=log_prob,
        )
        on_images(rows.stop)
        ratio = log_prior_over_posterior(latents, some.repeat(drawn))
        return nats + ratio.reshape(-1, drawn)

    return log_mean(log_weights, len(prepared), samples)


@torch.no_grad()
@memory_errors_as_sentence("give fewer images or samples")
def elbo(
    model: GenerativeModel,
    images: Pictures,
    *,
    samples: int,
    generator: torch.Generator,
    context: Context | None = None,
    posterior: DiagonalGaussian | None = None,
    log_prob: LogProb | None = None,
    observed: Observed | None = None,
) -> Nats:
    """Returns E_q[log p(x|z)] - KL(q(z|x) || p(z)) of each image, float64.

    The expectation is the mean over `samples`, the KL is exact.

    Args:
        model: a trained model.
        images: pictures as `model.prepare` takes them.
        samples: draws of the latents of each image.
        generator: of the samples.
        context: as in `importance_weighted_bound`.
        posterior: q(z|x) of each image; by default the encoder's.
        log_prob: as in `importance_weighted_bound`.
        observed: True, or 1, at the pixels that count, [height, width] or one mask for each image;
            the sum is then a bound on log p of these pixels alone.

    Raises:
        UsageError: `samples` is below 1, a mask of another shape than the images or with other
            values than true and false, or a context that does not fit the model; and as in
            `model.prepare`.
    """
    prepared = model.prepare(images)
    given, seen = checked_context(model, context, len(prepared)), checked_mask(observed, prepared)
    q = posterior or encode(model, prepared, given)
    bound = -q.kl_to_standard_normal().double().sum(dim=1)
    for rows, draws in chunks(len(prepared), samples):
        some = posterior_at(q, rows)
        for drawn in draws:
            latents = sampled(some, drawn, generator)
            nats = log_likelihoods(
                model,
                prepared[rows],
                latents,
                context=context_rows(given, rows),
                log_prob=log_prob,
                observed=seen[rows],
            )
            bound[rows] += nats.double().sum(dim=1) / samples
    return bound


def log_mean(
    log_terms: Callable[[slice, int], Float[Tensor, "some drawn"]], images: int, samples: int
) -> Nats:
    """Returns log 1/S sum_s exp(term_s) of each image, summed in float64.

    Args:
        log_terms: gives so many terms of these images.
        images: how many there are.
        samples: S.

    Raises:
        UsageError: `samples` is below 1.
    """
    sums = []
    for rows, draws in chunks(images, samples):
        parts = [log_terms(rows, drawn).double().logsumexp(dim=1) for drawn in draws]
        sums.append(torch.stack(parts).logsumexp(dim=0))
    return torch.cat(sums) - math.log(samples)


def log_likelihoods(
    model: GenerativeModel,
    images: Images,
    latents: Rows,
    *,
    context: Context | None = None,
    log_prob: LogProb | None = None,
    observed: Mask | None = None,
) -> Float[Tensor, "batch sample"]:
    """Returns log p(x|z), the sum over the observed pixels, of several latents for each image.

    Args:
        model: whose decoder is asked, in one call.
        images: [batch, channel, height, width].
        latents: [batch * sample, latent].
        context: [batch, context], of a conditional model.
        log_prob: as in `importance_weighted_bound`.
        observed: the pixels that count; all where it is None.
    """
    samples = len(latents) // len(images)
    each = _repeat(images, samples)
    given = None if context is None else context.repeat_interleave(samples, dim=0)
    outputs = model.outputs(latents, given)
    pixels = (log_prob or model.likelihood.log_prob)(each, outputs)
    if observed is not None:
        pixels = pixels.where(_repeat(observed, samples).to(pixels.device), 0.0)
    nats: Tensor = pixels.flatten(1).sum(dim=1)
    return nats.reshape(-1, samples)


def posterior_at(posterior: DiagonalGaussian, rows: slice | Tensor) -> DiagonalGaussian:
    """Returns the posterior of some images."""
    return DiagonalGaussian(posterior.mean[rows], posterior.log_std[rows])


def checked_context(model: GenerativeModel, context: Context | None, images: int) -> Context | None:
    """Returns the context on the model's device; None for a model that is not conditional.

    Raises:
        UsageError: it does not fit the model or the number of images.
    """
    model.check_context(context, images)
    return None if context is None else context.to(model.device)


def context_rows(
    context: Context | None, rows: slice | Tensor
) -> Float[Tensor, "some context"] | None:
    """Returns the context of some images; None for a model that is not conditional."""
    return None if context is None else context[rows]


def checked_mask(observed: Observed | None, images: Images) -> Mask:
    """Returns a mask for each image, on the images' device; without one all pixels are seen.

    Numbers are taken where they are 0 and 1, as Pillow and NumPy give masks.

    Raises:
        UsageError: the mask has another shape than the images, or values that are neither true nor
            false.
    """
    if observed is None:
        observed = torch.ones(images.shape[2:], dtype=torch.bool)
    mask = (
        torch.tensor(np.array(observed, order="C"))
        if isinstance(observed, np.ndarray)
        else observed
    )
    if mask.shape not in (images.shape[2:], images.shape):
        raise UsageError(
            f"observed has the shape {tuple(mask.shape)}; give (height, width) or the shape of "
            f"the images, {tuple(images.shape)}."
        )
    seen = mask.bool()
    if not torch.equal(seen.to(mask.dtype), mask):
        low, high = mask.min().item(), mask.max().item()
        raise UsageError(
            f"observed has values from {low:g} to {high:g}; give True or 1 at the pixels that are "
            f"seen, False or 0 elsewhere, for example mask > 127."
        )
    return seen.to(images.device).expand(images.shape)


def chunks(images: int, samples: int) -> Iterator[tuple[slice, list[int]]]:
    """Yields rows of images, each with portions of the samples: at most `ROWS` latents at once.

    Raises:
        UsageError: `samples` is below 1.
    """
    if samples < 1:
        raise UsageError(f"samples is {samples}; it must be at least 1.")
    together = max(1, ROWS // samples)
    portions = [min(ROWS, samples - begin) for begin in range(0, samples, ROWS)]
    for begin in range(0, images, together):
        yield slice(begin, min(begin + together, images)), portions


def sampled(posterior: DiagonalGaussian, samples: int, generator: torch.Generator) -> Rows:
    """Returns latents, [batch * sample, latent], the samples of an image one after the other."""
    many = posterior.repeat(samples)
    noise = torch.randn(
        many.mean.shape, generator=generator, dtype=many.mean.dtype, device=generator.device
    )
    return many.sample(noise.to(many.mean.device))


def _repeat(images: Tensor, samples: int) -> Tensor:
    """Returns each image `samples` times in a row: no copy where there is one image."""
    return images[:, None].expand(-1, samples, -1, -1, -1).flatten(0, 1)
