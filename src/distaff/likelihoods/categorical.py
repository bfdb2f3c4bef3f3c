"""Categorical likelihood of a pixel over bins of grey levels, from logits."""

from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import override

from distaff.likelihoods.base import Likelihood, LikelihoodConfig
from distaff.likelihoods.levels import LAST_LEVEL, LEVELS, level_of
from distaff.types import Images, Outputs


class Categorical(Likelihood):
    """A pixel falls into one of `bins` bins of grey levels with probability softmax(logits).

    log p(x|z) = log pi_j, j = floor(l bins / 256) for the level l = 255 x: a probability of the
    bin. The bins hold equal numbers of levels, or numbers that differ by one. A level has the
    probability pi_j divided by the number of levels in its bin; the mean and the samples put a bin
    at its midpoint, the mean of its levels. The outputs are the logits of the first bin for all
    channels, then of the second, and so on.

    Reference: van den Oord et al. 2016 (PixelRNN), "Pixels as discrete variables".
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(LikelihoodConfig):
        """Settings of the categorical likelihood.

        16 bins keep the midpoint within 7.5 levels of a pixel, 3 % of the range, which is hard to
        see, and leave the rarest bin 0.6 % of MNIST's pixels to learn from. Fewer bins show as
        contours, more cost as many more decoder channels. Bins do lose likelihood: a level cannot
        cost less than log2(256 / bins) bits, 4 for 16 bins.
        """

        bins: int = 16
        """Number of bins of the 256 grey levels, 2 to 256."""

        def __post_init__(self) -> None:
            if not 2 <= self.bins <= LEVELS:
                raise ValueError(f"bins is {self.bins}; it must be between 2 and {LEVELS}")

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.outputs_per_channel = config.bins

    def _bin_of(self, images: Images) -> Tensor:
        return level_of(images).long() * self.config.bins // LEVELS

    def _log_pi(self, outputs: Outputs) -> Tensor:
        logits: Tensor = outputs.unflatten(1, (self.config.bins, -1))
        return logits.log_softmax(dim=1)

    def _first_levels(self, like: Outputs) -> Tensor:
        """Returns the first level of each bin and, at the end, 256."""
        edges = torch.arange(self.config.bins + 1, device=like.device)
        return -(edges * -LEVELS // self.config.bins)

    def _midpoints(self, like: Outputs) -> Tensor:
        first = self._first_levels(like)
        return (first[:-1] + first[1:] - 1).to(like.dtype) / (2 * LAST_LEVEL)

    @override
    def log_prob(self, images: Images, outputs: Outputs) -> Images:
        return self._log_pi(outputs).gather(1, self._bin_of(images)[:, None]).squeeze(1)

    @override
    def log_prob_of_levels(self, images: Images, outputs: Outputs) -> Images:
        size = self._first_levels(outputs).diff().to(outputs.dtype)
        return self.log_prob(images, outputs) - size[self._bin_of(images)].log()

    @override
    def mean(self, outputs: Outputs) -> Images:
        return torch.einsum("bkchw,k->bchw", self._log_pi(outputs).exp(), self._midpoints(outputs))

    @override
    def sample(self, outputs: Outputs, generator: torch.Generator) -> Images:
        # of independent exponential waits with rates pi, bin j comes first with probability pi_j
        log_pi = self._log_pi(outputs)
        log_wait = torch.empty_like(log_pi).exponential_(generator=generator).log() - log_pi
        return self._midpoints(outputs)[log_wait.argmin(dim=1)]
