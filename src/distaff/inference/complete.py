"""Images of which a part is hidden, completed.

q(z) is fitted to the seen pixels x_O alone (`infer`); the hidden ones then follow from
p(x_H|z), z ~ q, since pixels are independent given the latents.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from distaff.errors import UsageError, memory_errors_as_sentence
from distaff.inference.bounds import (
    Nats,
    Observed,
    checked_context,
    checked_mask,
    chunks,
    context_rows,
    log_likelihoods,
    log_mean,
    posterior_at,
    sampled,
)
from distaff.inference.optimise import infer
from distaff.models import GenerativeModel
from distaff.models.pictures import Pictures
from distaff.probability.gaussian import DiagonalGaussian
from distaff.types import Context

PARTS = ("left", "right", "top", "bottom", "border", "random")
"""The part of an image that is seen: one half; all but a square in the centre, of half the height
and width; or each pixel with probability 1/2."""
Completed = Float[Tensor, "batch sample channel height width"]


class Completion(NamedTuple):
    """Several completions of each image; the seen pixels are those given."""

    posterior: DiagonalGaussian
    """q(z) given the seen pixels."""
    means: Completed
    """Mean images of the sampled latents."""
    samples: Completed
    """Images drawn from the likelihood at the same latents."""
    log_likelihood: Nats
    """log p(x_H|x_O) of the hidden pixels of the images given, in nats, estimated as
    log 1/S sum_s p(x_H|z_s), z_s ~ q: an estimate and no bound, since q stands in for p(z|x_O)."""


@torch.no_grad()
@memory_errors_as_sentence("give fewer images or samples")
def complete(
    model: GenerativeModel,
    images: Pictures,
    observed: Observed,
    *,
    samples: int,
    generator: torch.Generator,
    context: Context | None = None,
    posterior: DiagonalGaussian | None = None,
    draws: int = 500,
) -> Completion:
    """Returns completions of images, and how likely what was hidden is.

    Args:
        model: a trained model.
        images: pictures as `model.prepare` takes them; the hidden pixels enter nothing but
            `log_likelihood`.
        observed: True, or 1, at the pixels that are seen, [height, width] or one mask for each
            image.
        samples: completions of each image.
        generator: on the model's device.
        context: [batch, context], of a conditional model; the likelihood is log p(x_H|x_O,c).
        posterior: q(z|x_O) of each image; by default what `infer` finds with its own settings.
        draws: S, the samples of which the log likelihood is the mean.

    Raises:
        UsageError: `samples` or `draws` below 1, a mask of another shape than the images or with
            other values than true and false, or a context that does not fit the model; and as in
            `model.prepare`.
    """
    prepared = model.prepare(images)
    seen = checked_mask(observed, prepared)
    given = checked_context(model, context, len(prepared))
    q = posterior or (
        infer(model, prepared, observed=seen, context=given, generator=generator).posterior
    )
    parts = []
    for rows, portions in chunks(len(prepared), samples):
        some = posterior_at(q, rows)
        drawn = [_pictures(model, some, n, generator, context_rows(given, rows)) for n in portions]
        parts.append(torch.cat(drawn, dim=2))
    means, pixels = torch.cat(parts, dim=1).where(~seen[:, None], prepared[:, None])
    nats = hidden_log_likelihood(
        model, prepared, seen, q, samples=draws, context=given, generator=generator
    )
    return Completion(q, means, pixels, nats)


def _pictures(
    model: GenerativeModel,
    posterior: DiagonalGaussian,
    samples: int,
    generator: torch.Generator,
    context: Context | None,
) -> Float[Tensor, "2 batch sample channel height width"]:
    """Mean images and drawn ones at the same latents."""
    each = None if context is None else context.repeat_interleave(samples, dim=0)
    outputs = model.outputs(sampled(posterior, samples, generator), each)
    both = model.likelihood.mean(outputs), model.likelihood.sample(outputs, generator)
    return torch.stack([pictures.unflatten(0, (-1, samples)) for pictures in both])


@torch.no_grad()
def hidden_log_likelihood(
    model: GenerativeModel,
    images: Pictures,
    observed: Observed,
    posterior: DiagonalGaussian,
    *,
    samples: int,
    generator: torch.Generator,
    context: Context | None = None,
) -> Nats:
    """Returns log 1/S sum_s p(x_H|z_s), z_s ~ q, of the pixels that are not observed, in nats.

    Args:
        model: a trained model.
        images: with what was hidden; pictures as `model.prepare` takes them.
        observed: True, or 1, at the pixels that were seen, [height, width] or one mask for each
            image.
        posterior: q(z|x_O) of each image.
        samples: S.
        generator: of the samples.
        context: [batch, context], of a conditional model.

    Raises:
        UsageError: `samples` is below 1; the others as in `complete`.
    """
    prepared = model.prepare(images)
    hidden = ~checked_mask(observed, prepared)
    given = checked_context(model, context, len(prepared))

    def log_terms(rows: slice, drawn: int) -> Float[Tensor, "some drawn"]:
        latents = sampled(posterior_at(posterior, rows), drawn, generator)
        return log_likelihoods(
            model,
            prepared[rows],
            latents,
            context=context_rows(given, rows),
            observed=hidden[rows],
        )

    return log_mean(log_terms, len(prepared), samples)


def mask(
    part: str, image_shape: tuple[int, int, int], *, seed: int = 0
) -> Bool[Tensor, "height width"]:
    """Returns a mask that is True at the pixels that are seen.

    Of an odd side the middle belongs to `right` and `bottom`.

    Args:
        part: which pixels are seen.
        image_shape: channels, height, width.
        seed: of the choice of `random` pixels.

    Raises:
        UsageError: an unknown part.
    """
    if part not in PARTS:
        raise UsageError(f"unknown part {part!r}; choose one of {', '.join(PARTS)}.")
    _, height, width = image_shape
    if part == "random":
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(height, width, generator=generator) < 0.5
    area = torch.zeros(height, width, dtype=torch.bool)
    if part in ("left", "right"):
        area[:, : width // 2] = True
    elif part in ("top", "bottom"):
        area[: height // 2] = True
    else:
        area[height // 4 : height - height // 4, width // 4 : width - width // 4] = True
    return area if part in ("left", "top") else ~area
