"""Bernoulli likelihood of a pixel, from logits."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional
from typing_extensions import override

from distaff.likelihoods.base import Likelihood, LikelihoodConfig, uniform_like
from distaff.likelihoods.levels import LAST_LEVEL, LEVELS, level_of, log_sinhc
from distaff.types import Images, Outputs


class Bernoulli(Likelihood):
    """A pixel is on with probability sigmoid(logit).

    log p(x|z) = x log p + (1 - x) log(1 - p), with p = sigmoid(logit). Exact for pixels that are
    0 or 1; for a grey pixel it is the negative cross-entropy, bounded above by minus the pixel's
    own entropy and not a density.

    Its probabilities of grey levels are that formula made to sum to 1 over the 256 levels,
    x logit - log sum_l exp(l/255 logit). No other way puts a grey pixel on the common scale, and
    training on `log_prob` does not maximise it.

    Reference: Kingma & Welling 2014, appendix C.1.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(LikelihoodConfig):
        """The Bernoulli likelihood has no settings."""

    outputs_per_channel = 1

    @override
    def log_prob(self, images: Images, outputs: Outputs) -> Images:
        return -functional.binary_cross_entropy_with_logits(outputs, images, reduction="none")

    @override
    def log_prob_of_levels(self, images: Images, outputs: Outputs) -> Images:
        # the geometric sum, divided by exp(logit / 2), is sinh(256 t) / sinh(t)
        step = outputs / (2 * LAST_LEVEL)
        log_sum = math.log(LEVELS) + log_sinhc(LEVELS * step) - log_sinhc(step)
        return (level_of(images) / LAST_LEVEL - 0.5) * outputs - log_sum

    @override
    def mean(self, outputs: Outputs) -> Images:
        return outputs.sigmoid()

    @override
    def sample(self, outputs: Outputs, generator: torch.Generator) -> Images:
        return (uniform_like(outputs, generator) < outputs.sigmoid()).to(outputs.dtype)
