r"""Posteriors by optimisation, without the encoder.

For each image on its own the mean and log standard deviation of q(z) = N(mean, diag std^2) that
maximise

    E_q[log p(x_O|z)] - KL(q(z) || p(z))

over the observed pixels O, by gradient ascent with a reparameterised sample (Kingma & Welling
2014, section 2.4); the decoder stays as it is. With some pixels hidden the sum is a bound on
log p(x_O), and nothing is rescaled by their share.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from distaff.bounds import Mask, Nats, Observed, checked, chunks, log_likelihoods, posterior_at
from distaff.errors import UsageError
from distaff.gaussian import DiagonalGaussian
from distaff.models import AbstractVAE
from distaff.models.pictures import Pictures
from distaff.types import Images

Noise = Float[Tensor, "draw latent"]
"""Standard normal noise, the same for all images."""

EVALUATION_DRAWS = 32
"""Samples with which the bound is judged, the same for all images and at each look."""
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
    """The bound at that look, on the evaluation samples, float64."""
    steps: Int[Tensor, " batch"]
    """Steps until the image converged, or `steps`."""
    converged: Bool[Tensor, " batch"]
    """Whether it met the stopping criterion before the steps ran out."""


def infer(
    model: AbstractVAE,
    images: Pictures,
    *,
    observed: Observed | None = None,
    generator: torch.Generator,
    steps: int = 3000,
    learning_rate: float = 0.1,
    samples: int = 1,
    window: int = 50,
    minimal_gain: float = 0.05,
    on_step: Callable[[int, int], None] = lambda _step, _active: None,
) -> Inference:
    """Fits a posterior to each image, from the prior on, all images side by side.

    Stopping criterion: every `window` steps the bound is measured on samples that are the same at
    each look. Where it is not `minimal_gain` above the image's best, the image's step size falls to
    0.3 of what it was; after three such falls the next one ends it, and its best look is returned.
    Images that are done leave the batch.

    Adam works on each number alone and the noise of a step is shared by all images, so that what
    comes out for an image depends on the image and the seed, not on its company.

    Args:
        model: a trained model; its parameters are not changed.
        images: pictures as `model.prepare` takes them; hidden pixels may hold any value in [0, 1].
        observed: True, or 1, at the pixels that are seen, [height, width] or one mask for each
            image; by default all are.
        generator: of the noise.
        steps: at most so many.
        learning_rate: of Adam, at the beginning.
        samples: draws a step from which the gradient is estimated.
        window: steps between two looks.
        minimal_gain: nats per image that count as progress.
        on_step: told the step and how many images are still under way.

    Returns:
        Posterior, bound, steps and convergence of each image, on the model's device.

    Raises:
        UsageError: a setting that leaves nothing to do, a mask of another shape than the images or
            with other values than true and false; and as in `model.prepare`.
    """
    for name, value in (("steps", steps), ("samples", samples), ("window", window)):
        if value < 1:
            raise UsageError(f"{name} is {value}; it must be at least 1.")
    prepared = model.prepare(images)
    search = _Search(model, prepared, checked(observed, prepared), learning_rate)
    evaluation = _balanced(search.noise(EVALUATION_DRAWS // 2, generator))
    for step in range(1, steps + 1):
        search.ascend(search.noise(samples, generator), step)
        if step % window == 0 or step == steps:
            search.judge(evaluation, step, minimal_gain)
        on_step(step, len(search.rows))
        if not len(search.rows):
            break
    return search.result


class _Search:
    """The images under way, with the state of their optimisers, and what the others came to."""

    def __init__(
        self, model: AbstractVAE, images: Images, observed: Mask, learning_rate: float
    ) -> None:
        self.model = model
        self.images = images
        self.observed = observed
        self.rows = torch.arange(len(images), device=model.device)
        shape = (len(images), model.config.latents)
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

    def noise(self, draws: int, generator: torch.Generator) -> Noise:
        """Draws noise for all images."""
        like = self.posterior.mean
        shape = (draws, like.shape[1])
        noise = torch.randn(shape, generator=generator, dtype=like.dtype, device=generator.device)
        return noise.to(like.device)

    @torch.enable_grad()
    def ascend(self, noise: Noise, step: int) -> None:
        """One step of Adam up the bound, estimated from `noise`."""
        posterior = DiagonalGaussian(*(part.requires_grad_() for part in self.posterior))
        expected = _log_likelihoods(self.model, self.images, posterior, noise, self.observed)
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
    def judge(self, evaluation: Noise, step: int, minimal_gain: float) -> None:
        """Measures the bound, keeps the best, slows down who stands still and lets go who did."""
        bounds = _bounds(self.model, self.images, self.posterior, evaluation, self.observed)
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
        self.rows, self.images = self.rows[going], self.images[going]
        self.observed = self.observed[going]
        self.posterior = posterior_at(self.posterior, going)
        self.moments = [(mean[going], square[going]) for mean, square in self.moments]
        self.rate, self.reductions = self.rate[going], self.reductions[going]


def _balanced(noise: Float[Tensor, "half latent"]) -> Noise:
    """The noise and its mirror image, scaled to the mean and variance that it stands for."""
    scaled = noise / noise.square().mean(dim=0).sqrt()
    return torch.cat([scaled, -scaled])


def _bounds(
    model: AbstractVAE,
    images: Images,
    posterior: DiagonalGaussian,
    noise: Noise,
    observed: Mask,
) -> Nats:
    """The bound of each image on the same noise for all, in parts that fit `ROWS`."""
    parts = []
    for rows, _ in chunks(len(images), len(noise)):
        some = posterior_at(posterior, rows)
        nats = _log_likelihoods(model, images[rows], some, noise, observed[rows])
        parts.append(nats.double().mean(dim=1))
    return torch.cat(parts) - posterior.kl_to_standard_normal().double().sum(dim=1)


def _log_likelihoods(
    model: AbstractVAE,
    images: Images,
    posterior: DiagonalGaussian,
    noise: Noise,
    observed: Mask,
) -> Float[Tensor, "batch sample"]:
    latents = posterior.repeat(len(noise)).sample(noise.repeat(len(images), 1))
    return log_likelihoods(model, images, latents, observed=observed)
