"""The words that models and data share: shapes of arrays, a batch, the terms of a loss."""

from typing import NamedTuple, TypeAlias

from jaxtyping import Bool, Float, Int
from torch import Tensor

Images: TypeAlias = Float[Tensor, "batch channel height width"]
"""Pictures with values in [0, 1]."""
Outputs: TypeAlias = Float[Tensor, "batch output height width"]
"""What a decoder puts out: one or more numbers for each value of a picture."""
Latents: TypeAlias = Float[Tensor, "batch latent"]
"""Samples z of the latent variables."""
Factors: TypeAlias = Int[Tensor, "batch factor"]
"""Index of the value of each ground-truth factor; -1 where it is unknown."""
Noise: TypeAlias = Tensor
"""All randomness of one training step, drawn before it."""
LossTerms: TypeAlias = dict[str, Float[Tensor, ""]]
"""Named, unweighted terms of a loss in nats per image, averaged over the batch."""
Settings: TypeAlias = dict[str, float]
"""What weighs the terms at one step: beta, gamma, capacity."""


class Batch(NamedTuple):
    """Some images of a data set with what is known of them."""

    images: Images
    factors: Factors
    labelled: Bool[Tensor, " batch"]
    """True in the rows whose factors the model may see."""


class DataSpec(NamedTuple):
    """What a model must know of a data set before it is built."""

    image_shape: tuple[int, int, int]
    """Channels, height, width."""
    factor_sizes: tuple[int, ...]
    """Number of values of each factor; () for a set without factors."""
    image_count: int
    """Number of training images."""
