"""Gaussian likelihood of a pixel, with a fixed or a learned standard deviation."""

from dataclasses import dataclass

import torch
from torch.nn import functional
from typing_extensions import override

from distaff.likelihoods.base import Likelihood, LikelihoodConfig, normal_like
from distaff.likelihoods.normal_levels import log_normal_level
from distaff.probability.gaussian import HALF_LOG_TWO_PI
from distaff.types import Images, Outputs


class Gaussian(Likelihood):
    """A pixel is normal around the decoder's output, with one standard deviation for all pixels.

    log p(x|z) = -1/2 ((x - mean) / std)^2 - log std - 1/2 log(2 pi). The output is the mean as it
    is, without a squashing function.

    Reference: Kingma & Welling 2014, appendix C.2.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(LikelihoodConfig):
        """Settings of the Gaussian likelihood."""

        std: float = 0.1
        """Standard deviation of a pixel, in units of the full range of grey."""

        def __post_init__(self) -> None:
            if not self.std > 0:
                raise ValueError(f"std is {self.std}; it must be above 0, for example 0.1")

    outputs_per_channel = 1
    config: Config

    @override
    def log_prob(self, images: Images, outputs: Outputs) -> Images:
        log_std = torch.tensor(self.config.std, dtype=torch.float64).log().item()
        standardized = (images - outputs) / self.config.std
        return -0.5 * standardized.square() - log_std - HALF_LOG_TWO_PI

    @override
    def log_prob_of_levels(self, images: Images, outputs: Outputs) -> Images:
        return log_normal_level(images, outputs, torch.full_like(outputs, self.config.std))

    @override
    def mean(self, outputs: Outputs) -> Images:
        return outputs

    @override
    def sample(self, outputs: Outputs, generator: torch.Generator) -> Images:
        return outputs + self.config.std * normal_like(outputs, generator)


class LearnedGaussian(Likelihood):
    """A pixel is normal with a mean and a standard deviation of its own, both from the decoder.

    log p(x|z) = -1/2 ((x - mean) / std)^2 - log std - 1/2 log(2 pi) with
    std = floor + softplus(output). Without a floor the density of a pixel that never changes
    grows without bound.

    Reference: Kingma & Welling 2014, appendix C.2.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(LikelihoodConfig):
        """Settings of the Gaussian likelihood with a learned standard deviation."""

        floor: float = 0.01
        """Smallest standard deviation, in units of the full range of grey."""

        def __post_init__(self) -> None:
            if not self.floor > 0:
                raise ValueError(f"floor is {self.floor}; it must be above 0, for example 0.01")

    outputs_per_channel = 2
    config: Config

    def _mean_and_std(self, outputs: Outputs) -> tuple[Images, Images]:
        mean, raw = outputs.chunk(2, dim=1)
        return mean, self.config.floor + functional.softplus(raw)

    @override
    def log_prob(self, images: Images, outputs: Outputs) -> Images:
        mean, std = self._mean_and_std(outputs)
        return -0.5 * ((images - mean) / std).square() - std.log() - HALF_LOG_TWO_PI

    @override
    def log_prob_of_levels(self, images: Images, outputs: Outputs) -> Images:
        return log_normal_level(images, *self._mean_and_std(outputs))

    @override
    def mean(self, outputs: Outputs) -> Images:
        return self._mean_and_std(outputs)[0]

    @override
    def sample(self, outputs: Outputs, generator: torch.Generator) -> Images:
        mean, std = self._mean_and_std(outputs)
        return mean + std * normal_like(mean, generator)
