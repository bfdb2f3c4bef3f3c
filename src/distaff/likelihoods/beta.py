"""Beta likelihood of a pixel, with both parameters learned."""

from dataclasses import dataclass

import torch
from torch.nn import functional
from typing_extensions import override

from distaff.likelihoods.base import Likelihood, LikelihoodConfig, uniform_like
from distaff.likelihoods.beta_levels import log_beta_density, log_beta_level
from distaff.likelihoods.levels import HALF_LEVEL
from distaff.types import Images, Outputs


class Beta(Likelihood):
    """A pixel has a Beta density on [0, 1], both of whose parameters come from the decoder.

    log p(x|z) = (a - 1) log x + (b - 1) log(1 - x) - log B(a, b), with a and b =
    min(floor + softplus(output), cap). At 0 and 1 the density is 0 or infinite, so pixels are first
    held to [epsilon, 1 - epsilon]; the model stays a Beta of the pixel itself, and its
    probabilities of grey levels do not depend on epsilon, whereas `log_prob` does. A parameter at
    its cap has no gradient.

    Reference: Johnson, Kotz & Balakrishnan 1995, chapter 25.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(LikelihoodConfig):
        """Settings of the Beta likelihood."""

        floor: float = 0.1
        """Smallest a and b. The density of a pixel at epsilon is largest, over a < 1, for
        a = 1 / log(1 / epsilon), 0.16 at the default epsilon, so lower values gain nothing."""
        cap: float = 1000.0
        """Largest a and b, at most 1000. A Beta with both at 1000 has a standard deviation of
        0.011 around 1/2, as narrow as the floor of the learned Gaussian."""
        epsilon: float = HALF_LEVEL
        """Pixels are held to [epsilon, 1 - epsilon]; half a grey level, the largest that does not
        reach into the cells of the levels 1 and 254."""

        def __post_init__(self) -> None:
            if not self.floor >= 0.01:
                raise ValueError(f"floor is {self.floor}; it must be at least 0.01")
            if not self.floor < self.cap <= 1000:
                raise ValueError(f"cap is {self.cap}; it must be above the floor and at most 1000")
            if not 0 < self.epsilon <= HALF_LEVEL:
                raise ValueError(
                    f"epsilon is {self.epsilon}; it must be above 0 and at most half a grey level, "
                    f"{HALF_LEVEL:.5f}"
                )

    outputs_per_channel = 2
    config: Config

    def _parameters(self, outputs: Outputs) -> tuple[Images, Images]:
        a, b = functional.softplus(outputs).add(self.config.floor).chunk(2, dim=1)
        return a.clamp(max=self.config.cap), b.clamp(max=self.config.cap)

    @override
    def log_prob(self, images: Images, outputs: Outputs) -> Images:
        held = images.clamp(self.config.epsilon, 1 - self.config.epsilon)
        return log_beta_density(held, *self._parameters(outputs))

    @override
    def log_prob_of_levels(self, images: Images, outputs: Outputs) -> Images:
        return log_beta_level(images, *self._parameters(outputs))

    @override
    def mean(self, outputs: Outputs) -> Images:
        a, b = self._parameters(outputs)
        return a / (a + b)

    @override
    def sample(self, outputs: Outputs, generator: torch.Generator) -> Images:
        a, b = self._parameters(outputs)
        return (_log_gamma_draw(a, generator) - _log_gamma_draw(b, generator)).sigmoid()


def _log_gamma_draw(shape: Images, generator: torch.Generator) -> Images:
    # G(shape) = G(shape + 1) U^(1 / shape): a draw of a small shape itself underflows to 0
    larger = torch._standard_gamma(shape + 1, generator=generator)
    return larger.log() + torch.log1p(-uniform_like(shape, generator)) / shape
