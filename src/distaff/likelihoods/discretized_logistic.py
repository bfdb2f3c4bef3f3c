"""Discretised logistic likelihood of a pixel, with a learned mean and scale."""

from dataclasses import dataclass

import torch
from torch.nn import functional
from typing_extensions import override

from distaff.likelihoods.base import Likelihood, LikelihoodConfig, uniform_like
from distaff.likelihoods.levels import HALF_LEVEL, LAST_LEVEL, by_level, level_of, log1mexp
from distaff.types import Images, Outputs


class DiscretizedLogistic(Likelihood):
    """A pixel is a logistic variable rounded to the nearest of 256 levels, one component.

    log p(x|z) = log[S((x + h - mu)/s) - S((x - h - mu)/s)] with S = sigmoid, h half a grey level
    and s = floor + softplus(output); levels 0 and 255 take the whole tails. A probability of
    levels: a pixel between two levels counts as the nearer one. The outputs are mu as it is, in
    units of the full range of grey, and the scale before softplus.

    The mean image is that of the logistic variable held to [0, 1],
    s [softplus(mu/s) - softplus((mu - 1)/s)]; the mean over the levels is the midpoint rule for
    the same integral, less than a tenth of a level away at the default floor.

    Reference: Salimans et al. 2017, equations 1 and 2.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(LikelihoodConfig):
        """Settings of the discretised logistic likelihood."""

        floor: float = 0.001
        """Smallest scale, in units of the full range of grey; a quarter of a grey level."""

        def __post_init__(self) -> None:
            if not self.floor > 0:
                raise ValueError(f"floor is {self.floor}; it must be above 0, for example 0.001")

    outputs_per_channel = 2
    config: Config

    def _mean_and_scale(self, outputs: Outputs) -> tuple[Images, Images]:
        mean, raw = outputs.chunk(2, dim=1)
        return mean, self.config.floor + functional.softplus(raw)

    @override
    def log_prob(self, images: Images, outputs: Outputs) -> Images:
        mean, scale = self._mean_and_scale(outputs)
        centre = (level_of(images) / LAST_LEVEL - mean) / scale
        half = HALF_LEVEL / scale
        # S(u) - S(v) = S(u) S(-v) (1 - exp(v - u)), in which nothing cancels
        between = functional.logsigmoid(centre + half) + functional.logsigmoid(half - centre)
        first = functional.logsigmoid((HALF_LEVEL - mean) / scale)
        last = functional.logsigmoid((mean - 1 + HALF_LEVEL) / scale)
        return by_level(images, first, between + log1mexp(2 * half), last)

    @override
    def log_prob_of_levels(self, images: Images, outputs: Outputs) -> Images:
        return self.log_prob(images, outputs)

    @override
    def mean(self, outputs: Outputs) -> Images:
        mean, scale = self._mean_and_scale(outputs)
        beyond_0 = functional.softplus(mean / scale)
        beyond_1 = functional.softplus((mean - 1) / scale)
        return scale * (beyond_0 - beyond_1)

    @override
    def sample(self, outputs: Outputs, generator: torch.Generator) -> Images:
        mean, scale = self._mean_and_scale(outputs)
        drawn = mean + scale * torch.logit(uniform_like(mean, generator))
        return level_of(drawn) / LAST_LEVEL
