"""Bernoulli likelihood of a pixel, from logits."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from distaff.likelihoods.base import Likelihood
from distaff.types import Images, Outputs


class Bernoulli(Likelihood):
    """A pixel is on with probability sigmoid(logit).

    log p(x|z) = x log p + (1 - x) log(1 - p), with p = sigmoid(logit). Exact for pixels that are
    0 or 1; for a grey pixel it is the negative cross-entropy, bounded above by minus the pixel's
    own entropy and not a density.

    Reference: Kingma & Welling 2014, appendix C.1.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """The Bernoulli likelihood has no settings."""

    outputs_per_channel = 1

    def log_prob(self, images: Images, outputs: Outputs) -> Images:  # noqa: D102
        return -functional.binary_cross_entropy_with_logits(outputs, images, reduction="none")

    def mean(self, outputs: Outputs) -> Images:  # noqa: D102
        return outputs.sigmoid()

    def sample(self, outputs: Outputs, generator: torch.Generator) -> Images:  # noqa: D102
        uniform: Tensor = torch.rand(
            outputs.shape, generator=generator, dtype=outputs.dtype, device=outputs.device
        )
        return (uniform < outputs.sigmoid()).to(outputs.dtype)
