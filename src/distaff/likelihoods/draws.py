"""Random numbers shaped like an image, from an explicit generator."""

import torch
from torch import Tensor


def uniform_like(array: Tensor, generator: torch.Generator) -> Tensor:
    """Returns numbers of the uniform distribution on [0, 1)."""
    return torch.rand(array.shape, generator=generator, dtype=array.dtype, device=array.device)


def normal_like(array: Tensor, generator: torch.Generator) -> Tensor:
    """Returns numbers of the standard normal distribution."""
    return torch.randn(array.shape, generator=generator, dtype=array.dtype, device=array.device)
