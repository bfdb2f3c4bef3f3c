"""The VAE that is given the value of a factor."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from distaff.models.elbo import AbstractVAE
from distaff.types import Context, Factors


class ConditionalVAE(AbstractVAE):
    """VAE whose encoder and decoder are given the value c of a factor, for example the digit.

    Minimises  E_q[-log p(x|z,c)] + KL(q(z|x,c) || p(z)),  in nats per image, with the prior
    p(z) = N(0, I) whatever the value. The latents need not carry the factor, and images of a
    value that is asked for can be drawn.

    Reference: Sohn, Lee, Yan 2015, "Learning structured output representation using deep
    conditional generative models", equation 4, with a prior that does not depend on c; Kingma,
    Rezende, Mohamed, Welling 2014, "Semi-supervised learning with deep generative models",
    equation 6.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(AbstractVAE.Config):
        """Settings of the conditional VAE."""

        factor: str | None = None
        """Name of the factor, for example digit; by default the first that has more than one
        value."""

    config: Config
    supervised = True

    @property
    def factor(self) -> int:
        """Place of the factor among those of the data set."""
        return self.spec.index_of(self.config.factor)

    @property
    def context_size(self) -> int:
        """Number of values of the factor."""
        return self.spec.factor_sizes[self.factor]

    def context_from(self, factors: Factors) -> Context:
        """Returns the factor's values one-hot; a row of zeros where it is unknown."""
        return one_hot(factors[:, self.factor], self.context_size)

    def context_of(self, values: Sequence[object] | Shaped[np.ndarray, " batch"]) -> Context:
        """Returns the context of these values, for example `sample(2, context=context_of([3, 7]))`.

        Args:
            values: the factor's value for each image, a number or word as the data have it; of a
                set that names no values their index.

        Returns:
            [image, context], on the model's device.

        Raises:
            UsageError: there is no such value.
        """
        listed = values.tolist() if isinstance(values, np.ndarray) else values
        index = [self.spec.index_of_value(self.factor, value) for value in listed]
        return self.context_at(index)

    def context_at(self, index: Sequence[int]) -> Context:
        """Returns the context of the values with these places in the order of all."""
        return one_hot(torch.tensor(list(index), device=self.device), self.context_size)


def one_hot(index: Int[Tensor, " batch"], size: int) -> Float[Tensor, "batch size"]:
    """Returns a row for each index with a 1 in its place; a row of zeros for the index -1."""
    return (index[:, None] == torch.arange(size, device=index.device)).float()
