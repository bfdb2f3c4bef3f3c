"""The interface of a generative model: codes of images, and images of codes."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from distaff.errors import UsageError
from distaff.likelihoods import Likelihood
from distaff.models.base import Model, ModelConfig
from distaff.models.inputs import takes_arrays, takes_pictures
from distaff.probability.gaussian import DiagonalGaussian
from distaff.types import Context, Factors, Images, Latents, Outputs

Pictures = Float[np.ndarray, "count channel height width"]
ContextArray = Float[np.ndarray, "batch context"]

MOST_LATENTS = 100_000


class GenerativeModel(Model):
    """A generative model of images with latent variables, z ~ N(0, I), conditional or not.

    A conditional one adds `context_size` and `context_from`; every method then asks for a context.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(ModelConfig):
        """Settings that every generative model has."""

        latents: int = 10
        """Number of latent variables."""

        def __post_init__(self) -> None:
            """Refuses a model without latents, or with more than pictures have pixels."""
            if not 1 <= self.latents <= MOST_LATENTS:
                raise ValueError(f"latents is {self.latents}; it must be from 1 to {MOST_LATENTS}")

    config: Config
    likelihood: Likelihood
    """Of a pixel, given the outputs."""

    @abstractmethod
    def posterior(self, images: Images, context: Context | None = None) -> DiagonalGaussian:
        """Returns the posterior of images without checking their values, for training steps.

        Args:
            images: [batch, channel, height, width] in [0, 1], as `prepare` returns them.
            context: [batch, context], of a conditional model.
        """

    @abstractmethod
    def outputs(self, latents: Latents, context: Context | None = None) -> Outputs:
        """Returns what the decoder puts out for each row of latents, the likelihood's parameters.

        Args:
            latents: [batch, latent].
            context: [batch, context], of a conditional model.

        Returns:
            [batch, output, height, width], float32.

        Raises:
            UsageError: a context of another shape than the model was built for.
        """

    @property
    def context_size(self) -> int:
        """Numbers in a row of context; 0 for a model that is not conditional."""
        return 0

    def context_from(self, factors: Factors) -> Context | None:  # noqa: ARG002
        """Returns the context of images with these factors; None for one not conditional."""
        return None

    @takes_pictures
    def encode(self, images: Images, context: Context | None = None) -> DiagonalGaussian:
        """Returns the posterior of each image.

        Args:
            images: pictures as `prepare` takes them: paths, pictures of Pillow, uint8 or numbers in
                [0, 1], channels first or last.
            context: [batch, context], of a conditional model; a tensor or an array.

        Returns:
            Mean and log standard deviation, each [batch, latent]: tensors of tensors, else arrays.

        Raises:
            UsageError: images or context of another shape than the model was built for, or values
                outside of [0, 1].
            DataError: a picture that cannot be read.
        """
        return self.posterior(images, context)

    @takes_arrays
    def decode(self, latents: Latents, context: Context | None = None) -> Images:
        """Returns the mean image of each row of latents.

        Args:
            latents: [batch, latent]; a tensor or an array.
            context: [batch, context], of a conditional model; a tensor or an array.

        Returns:
            [batch, channel, height, width], of the kind that came in.

        Raises:
            UsageError: a context of another shape than the model was built for.
        """
        return self.likelihood.mean(self.outputs(latents, context))

    def log_likelihood(
        self, images: Images, latents: Latents, context: Context | None = None
    ) -> Images:
        """Returns log p(x|z) of each pixel in nats, so that a part of an image is a mask.

        Args:
            images: [batch, channel, height, width] in [0, 1].
            latents: [batch, latent], one row for each image.
            context: [batch, context], of a conditional model.
        """
        return self.likelihood.log_prob(images, self.outputs(latents, context))

    @takes_pictures
    def reconstruct(self, images: Images, context: Context | None = None) -> Images:
        """Returns the mean image of each image's posterior mean; arguments as in `encode`."""
        images_mean: Images = self.decode(self.posterior(images, context).mean, context)
        return images_mean

    @takes_pictures
    def traverse(
        self,
        image: Images,
        values: Sequence[float] = (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2),
        context: Float[Tensor, " context"] | None = None,
    ) -> Float[Tensor, "latent value channel height width"]:
        """Moves one latent of an image at a time.

        Args:
            image: one picture as `prepare` takes it.
            values: what the moved latent is set to; the others stay at their posterior mean.
            context: [context], of a conditional model; it stays as it is.

        Returns:
            Mean images, [latent, value, channel, height, width]: a tensor of a tensor, else an
            array.

        Raises:
            UsageError: several pictures; and as in `encode`.
        """
        if len(image) != 1:
            raise UsageError(f"{len(image)} pictures given to be traversed; give one.")
        given = None if context is None else context[None]
        code = self.posterior(image, given).mean[0]
        moved: Tensor = self.traverse_code(code, values, context)
        return moved

    def traverse_code(
        self,
        code: Float[Tensor, " latent"],
        values: Sequence[float],
        context: Float[Tensor, " context"] | None = None,
    ) -> Float[Tensor, "latent value channel height width"]:
        """Moves one latent of a code at a time; the rest as in `traverse`."""
        given = None if context is None else context[None]
        count = len(code)
        moved = code.repeat(count, len(values), 1)
        each = torch.arange(count, device=code.device)
        moved[each, :, each] = torch.tensor(values, dtype=code.dtype, device=code.device)
        rows = moved.flatten(0, 1)
        images: Images = self.decode(rows, None if given is None else given.expand(len(rows), -1))
        grid: Tensor = images.unflatten(0, (count, len(values)))
        return grid

    def sample(
        self, count: int, *, seed: int = 0, context: Context | ContextArray | None = None
    ) -> Pictures:
        """Returns mean images of latents drawn from the prior, on the CPU's generator.

        Args:
            count: number of images.
            seed: decides the latents.
            context: [count, context], of a conditional model; a tensor or an array.

        Returns:
            [count, channel, height, width], an array.

        Raises:
            UsageError: `count` is no whole number from 1 on, or a context that does not fit.
        """
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise UsageError(f"count is {count!r}; give a whole number from 1 on.")
        generator = torch.Generator().manual_seed(seed)
        latents = self.prior_sample(count, generator)
        images: Pictures = self.decode(latents.numpy(), context)
        return images

    def prior_sample(self, count: int, generator: torch.Generator) -> Latents:
        """Draws latents from the prior, by default N(0, I), on the CPU."""
        return torch.randn(count, self.config.latents, generator=generator)

    def check_context(self, context: Context | None, rows: int) -> None:
        """Refuses a context that does not fit the model, or none where it needs one.

        Args:
            context: [batch, context], or None.
            rows: batch, the number of images or rows of latents.

        Raises:
            UsageError: a context of another shape than the model was built for.
        """
        if self.context_size == 0 and context is None:
            return
        if self.context_size == 0:
            raise UsageError("this model is not conditional; leave out the context.")
        shape = None if context is None else tuple(context.shape)
        if context is None or shape != (rows, self.context_size):
            raise UsageError(
                f"this model is conditional and its context has the shape {shape}; give one of "
                f"({rows}, {self.context_size}), for example model.context_of([0] * {rows})."
            )
