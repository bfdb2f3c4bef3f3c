r"""Posteriors by optimisation, without the encoder.

For each image on its own the mean and log standard deviation of q(z) = N(mean, diag std^2) that
maximise

    E_q[log p(x_O|z)] - KL(q(z) || p(z))

over the observed pixels O, by gradient ascent with a reparameterised sample (Kingma & Welling
2014, section 2.4); the decoder stays as it is. With some pixels hidden the sum is a bound on
log p(x_O), and nothing is rescaled by their share.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from distaff.errors import UsageError, memory_errors_as_sentence
from distaff.inference.bounds import (
    ROWS,
    Mask,
    Nats,
    Observed,
    checked_context,
    checked_mask,
    context_rows,
    log_likelihoods,
    posterior_at,
)
from distaff.models import GenerativeModel
from distaff.models.pictures import Pictures
from distaff.probability.gaussian import DiagonalGaussian
from distaff.probability.spherical_radial import Rule, spherical_radial
from distaff.types import Context, Images

SharedNoise = Float[Tensor, "draw latent"]
"""Standard normal noise, the same for all images."""

LOOK_POINTS = 32
"""Points at which the bound is measured at a look, or twice the latents where these are more; the
same for all images and at each look."""
FINAL_POINTS = 128
"""Points at which the bound is measured in the end, others for each image, or twice the latents."""
DECAY = 0.3
"""What the step size of an image is multiplied by when its bound no longer rises."""
REDUCTIONS = 3
"""Reductions of the step size after which the next standstill is the end."""
MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.99, 1e-8
"""Adam's constants; the mean square forgets sooner than by default, since the gradients shrink
by orders of magnitude within some hundred steps."""


class Inference(NamedTuple):
    """What was inferred of each image."""

    posterior: DiagonalGaussian
    """q(z), at the look with the highest bound."""
    elbo: Nats
    """The bound of that posterior, float64: measured again, at points of each image's own. Without
    bias, and exact where log p(x|z) is quadratic in z, as with a linear Gaussian decoder."""
    steps: Int[Tensor, " batch"]
    """Steps until the image converged, or `steps`."""
    converged: Bool[Tensor, " batch"]
    """Whether it met the stopping criterion before the steps ran out."""


@memory_errors_as_sentence("give fewer images or samples")
def infer(
    model: GenerativeModel,
    images: Pictures,
    *,
    observed: Observed | None = None,
    context: Context | None = None,
    generator: torch.Generator,
    steps: int = 3000,
    learning_rate: float = 0.1,
    samples: int = 1,
    window: int = 50,
    minimal_gain: float = 0.05,
    on_step: Callable[[int, int], None] = lambda _step, _active: None,
) -> Inference:
    """Fits a posterior to each image, from the prior on, all images side by side.

    Stopping criterion: every `window` steps the bound is measured at points that are the same at
    each look (`spherical_radial`). Where it is not `minimal_gain` above the image's best, the
    image's step size falls to 0.3 of what it was; after three such falls the next one ends it, and
    its best look is returned. Images that are done leave the batch.

    The bound of the best look is the largest of many on shared points, which flatters it, and by
    much the same for all images. What is returned is therefore measured again, at points that
    differ from image to image, so that the spread over images shows the error.

    Adam works on each number alone, the noise of a step is shared by all images, and the points of
    the last measurement follow from the seed and the seen pixels: what comes out for an image
    depends on the image and the seed, not on the other images or its place in the batch.

    A look decodes 2 n + 1 rows or more for each image, n the number of latents.

    Args:
        model: a trained model; its parameters are not changed.
        images: pictures as `model.prepare` takes them; hidden pixels may hold any value in [0, 1].
        observed: True, or 1, at the pixels that are seen, [height, width] or one mask for each
            image; by default all are.
        context: [batch, context], of a conditional model; the bound is then on log p(x_O|c).
        generator: of the noise.
        steps: at most so many.
        learning_rate: of Adam, at the beginning.
        samples: draws a step from which the gradient is estimated.
        window: steps between two looks.
        minimal_gain: nats per image that count as progress.
        on_step: called with the step and the number of images still in progress.

    Returns:
        Posterior, bound, steps and convergence of each image, on the model's device.

    Raises:
        UsageError: a setting that leaves nothing to do, a mask of another shape than the images or
            with other values than true and false, or a context that does not fit the model; and as
            in `model.prepare`.
    """
    for name, value in (("steps", steps), ("samples", samples), ("window", window)):
        if value < 1:
            raise UsageError(f"{name} is {value}; it must be at least 1.")
    prepared = model.prepare(images)
    subjects = _Subjects(
        prepared, checked_mask(observed, prepared), checked_context(model, context, len(prepared))
    )
    search = _Search(model, subjects, learning_rate)
    latents = model.config.latents
    look = spherical_radial(LOOK_POINTS, latents, generator)
    key = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    for step in range(1, steps + 1):
        search.ascend(search.noise(samples, generator), step)
        if step % window == 0 or step == steps:
            search.judge(look, step, minimal_gain)
        on_step(step, len(search.rows))
        if not len(search.rows):
            break
    seeds = _seeds(subjects, key)
    bounds = _bounds(
        model, subjects, search.result.posterior, lambda row: _rule(seeds[row], latents)
    )
    return search.result._replace(elbo=bounds)


class _Subjects(NamedTuple):
    """Images with all that is known of them."""

    images: Images
    observed: Mask
    context: Context | None

    def at(self, rows: slice | Tensor) -> "_Subjects":
        """Some of them."""
        return _Subjects(self.images[rows], self.observed[rows], context_rows(self.context, rows))


class _Search:
    """The images under way, with the state of their optimisers, and what the others came to."""

    def __init__(self, model: GenerativeModel, subjects: _Subjects, learning_rate: float) -> None:
        self.model = model
        self.subjects = subjects
        self.rows = torch.arange(len(subjects.images), device=model.device)
        shape = (len(self.rows), model.config.latents)
        start = torch.zeros(shape, dtype=next(model.parameters()).dtype, device=model.device)
        self.posterior = DiagonalGaussian(start, start.clone())
        self.moments = [(start.clone(), start.clone()) for _ in self.posterior]
        self.rate = torch.full_like(start[:, :1], learning_rate)
        self.reductions = torch.zeros_like(self.rows)
        self.result = Inference(
            DiagonalGaussian(start.clone(), start.clone()),
            torch.full(shape[:1], -torch.inf, dtype=torch.float64, device=model.device),
            torch.zeros_like(self.rows),
            torch.zeros_like(self.rows, dtype=torch.bool),
        )

    def noise(self, draws: int, generator: torch.Generator) -> SharedNoise:
        """Draws noise for all images."""
        like = self.posterior.mean
        shape = (draws, like.shape[1])
        noise = torch.randn(shape, generator=generator, dtype=like.dtype, device=generator.device)
        return noise.to(like.device)

    @torch.enable_grad()
    def ascend(self, noise: SharedNoise, step: int) -> None:
        """One step of Adam up the bound, estimated from `noise`."""
        posterior = DiagonalGaussian(*(part.requires_grad_() for part in self.posterior))
        each = noise.expand(len(self.rows), -1, -1)
        expected = _log_likelihoods(self.model, self.subjects, posterior, each)
        bounds = expected.mean(dim=1) - posterior.kl_to_standard_normal().sum(dim=1)
        gradients = torch.autograd.grad(bounds.sum(), posterior)
        parts = []
        for part, gradient, (mean, square) in zip(posterior, gradients, self.moments, strict=True):
            mean.lerp_(gradient, 1 - MEAN_DECAY)
            square.lerp_(gradient.square(), 1 - SQUARE_DECAY)
            size = (square / (1 - SQUARE_DECAY**step)).sqrt() + EPSILON
            parts.append(part.detach() + self.rate * mean / (1 - MEAN_DECAY**step) / size)
        self.posterior = DiagonalGaussian(*parts)

    @torch.no_grad()
    def judge(self, look: Rule, step: int, minimal_gain: float) -> None:
        """Measures the bound, keeps the best, slows stalled images and drops converged ones."""
        bounds = _bounds(self.model, self.subjects, self.posterior, lambda _: look)
        best = self.result.elbo[self.rows]
        better = bounds > best
        self.result.elbo[self.rows] = bounds.maximum(best)
        for kept, part in zip(self.result.posterior, self.posterior, strict=True):
            kept[self.rows[better]] = part[better]
        still = bounds < best + minimal_gain
        self.rate[still] *= DECAY
        self.reductions += still
        done = self.reductions > REDUCTIONS
        self.result.steps[self.rows] = step
        self.result.converged[self.rows] = done
        if done.any():
            self._keep(~done)

    def _keep(self, going: Bool[Tensor, " batch"]) -> None:
        self.rows, self.subjects = self.rows[going], self.subjects.at(going)
        self.posterior = posterior_at(self.posterior, going)
        self.moments = [(mean[going], square[going]) for mean, square in self.moments]
        self.rate, self.reductions = self.rate[going], self.reductions[going]


def _seeds(subjects: _Subjects, key: int) -> list[int]:
    """A seed for each image, of its seen pixels and the key."""
    seen = subjects.images.where(subjects.observed, 0.0).double().cpu().numpy()
    secret = key.to_bytes(8, "little")
    digests = (hashlib.blake2b(image.tobytes(), digest_size=7, key=secret) for image in seen)
    return [int.from_bytes(digest.digest(), "little") for digest in digests]


def _rule(seed: int, latents: int) -> Rule:
    """The points at which the bound of one image is measured in the end."""
    return spherical_radial(FINAL_POINTS, latents, torch.Generator().manual_seed(seed))


@torch.no_grad()
def _bounds(
    model: GenerativeModel,
    subjects: _Subjects,
    posterior: DiagonalGaussian,
    rule_of: Callable[[int], Rule],
) -> Nats:
    """The bound of each image by its own rule, in parts that fit `ROWS`."""
    together = max(1, ROWS // len(rule_of(0).weights))
    parts = []
    for rows in torch.arange(len(subjects.images)).split(together):
        rules = [rule_of(row) for row in rows.tolist()]
        points, weights = (torch.stack(part) for part in zip(*rules, strict=True))
        some = posterior_at(posterior, rows)
        noise = points.to(some.mean).split(ROWS, dim=1)
        nats = [_log_likelihoods(model, subjects.at(rows), some, part) for part in noise]
        parts.append((torch.cat(nats, dim=1).double() * weights.to(some.mean.device)).sum(dim=1))
    return torch.cat(parts) - posterior.kl_to_standard_normal().double().sum(dim=1)


def _log_likelihoods(
    model: GenerativeModel,
    subjects: _Subjects,
    posterior: DiagonalGaussian,
    noise: Float[Tensor, "batch sample latent"],
) -> Float[Tensor, "batch sample"]:
    latents = posterior.repeat(noise.shape[1]).sample(noise.flatten(0, 1))
    return log_likelihoods(
        model, subjects.images, latents, context=subjects.context, observed=subjects.observed
    )
