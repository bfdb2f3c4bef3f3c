"""Continuous Bernoulli likelihood of a pixel, from logits."""

import math
from dataclasses import dataclass

import torch
from typing_extensions import override

from distaff.likelihoods.base import Likelihood, LikelihoodConfig, uniform_like
from distaff.likelihoods.levels import HALF_LEVEL, LAST_LEVEL, by_level, level_of, log_sinhc
from distaff.types import Images, Outputs


class ContinuousBernoulli(Likelihood):
    """A pixel has a density on [0, 1] that is the Bernoulli formula times its normaliser.

    log p(x|z) = x log lambda + (1 - x) log(1 - lambda) + log C(lambda), lambda = sigmoid(logit),
    C(lambda) = 2 artanh(1 - 2 lambda) / (1 - 2 lambda). In the logit that is the exponential
    density exp(logit x) cut to [0, 1]: (x - 1/2) logit - log(sinh(logit/2) / (logit/2)), which is
    how it is computed. The mean is 1/2 + (coth(logit/2) - 2/logit) / 2, not lambda.

    The density at 0 or at 1 grows without bound with the logit, as |logit|, so that pixels that are
    exactly 0 or 1 would drive it to infinity: it is held in [-cap, cap], with no gradient beyond.

    Reference: Loaiza-Ganem & Cunningham 2019, section 3.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(LikelihoodConfig):
        """Settings of the continuous Bernoulli likelihood."""

        cap: float = 2000.0
        """Largest magnitude of a logit; 2000 puts 98 % of a pixel's mass into the end level."""

        def __post_init__(self) -> None:
            """Refuses a cap that leaves one density only."""
            if not self.cap > 0:
                raise ValueError(f"cap is {self.cap}; it must be above 0, for example 2000")

    outputs_per_channel = 1
    config: Config

    def _logits(self, outputs: Outputs) -> Outputs:
        return outputs.clamp(-self.config.cap, self.config.cap)

    @override
    def log_prob(self, images: Images, outputs: Outputs) -> Images:
        logits = self._logits(outputs)
        return (images - 0.5) * logits - log_sinhc(logits / 2)

    @override
    def log_prob_of_levels(self, images: Images, outputs: Outputs) -> Images:
        logits = self._logits(outputs)

        def log_mass(centre: Images, width: float) -> Images:
            mean_density = self.log_prob(centre, logits) + log_sinhc(logits * width / 2)
            return mean_density + math.log(width)

        def end(centre: float) -> Images:
            return log_mass(torch.full_like(logits, centre), HALF_LEVEL)

        between = log_mass(level_of(images) / LAST_LEVEL, 2 * HALF_LEVEL)
        return by_level(images, end(HALF_LEVEL / 2), between, end(1 - HALF_LEVEL / 2))

    @override
    def mean(self, outputs: Outputs) -> Images:
        half = self._logits(outputs) / 2
        near = half.abs() < 0.1
        away = torch.where(near, 1, half)
        # the Taylor series: coth(t) - 1/t is a difference of near numbers around 0
        series = half / 3 - half**3 / 45 + 2 * half**5 / 945 - half**7 / 4725
        return 0.5 + 0.5 * torch.where(near, series, 1 / away.tanh() - 1 / away)

    @override
    def sample(self, outputs: Outputs, generator: torch.Generator) -> Images:
        # the inverse distribution function of the falling density; a rising one is its mirror image
        rate = outputs.abs().clamp(1e-6, self.config.cap)
        uniform = uniform_like(outputs, generator)
        falling = -torch.log1p(uniform * torch.expm1(-rate)) / rate
        return torch.where(outputs > 0, 1 - falling, falling)
