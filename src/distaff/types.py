"""The words all of distaff shares: shapes of arrays, a batch, the terms of a loss, a score."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

Images: TypeAlias = Float[Tensor, "batch channel height width"]
"""Pictures with values in [0, 1]."""
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
Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


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


class Score(NamedTuple):
    """What a metric says of a code, with what is needed to believe it."""

    value: float
    """The score; higher is better."""
    interval: tuple[float, float] | None
    """95 % confidence interval of the value over the choice of evaluation images."""
    chance: float
    """The same estimator on shuffled factors."""
    ceiling: float
    """The same estimator when the codes are the factors themselves."""
    estimator: str
    """Name of the estimator and its settings."""
    parts: Mapping[str, float] = MappingProxyType({})
    """Contributions, for example one for each factor."""
    relation: Float[np.ndarray, "latent factor"] | None = None
    """The matrix the score was read from."""
