"""Types that models and data share: shapes of arrays, a batch, the terms of a loss."""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from jaxtyping import Bool, Float, Int
from torch import Tensor

from distaff.errors import UsageError

ImageShape: TypeAlias = tuple[int, int, int]
"""Channels, height, width."""
Images: TypeAlias = Float[Tensor, "batch channel height width"]
"""Pictures with values in [0, 1]."""
Outputs: TypeAlias = Float[Tensor, "batch output height width"]
"""What a decoder puts out: one or more numbers for each value of a picture."""
Latents: TypeAlias = Float[Tensor, "batch latent"]
"""Samples z of the latent variables."""
Factors: TypeAlias = Int[Tensor, "batch factor"]
"""Index of the value of each ground-truth factor; -1 where it is unknown."""
Context: TypeAlias = Float[Tensor, "batch context"]
"""What a conditional model is given beside the image or the latents, for example a class."""
Noise: TypeAlias = Tensor
"""All randomness of one training step, drawn before it."""
LossTerms: TypeAlias = dict[str, Float[Tensor, ""]]
"""Named, unweighted terms of a loss in nats per image, averaged over the batch."""
Settings: TypeAlias = Mapping[str, float | Float[Tensor, ""]]
"""What weighs the terms at one step: beta, gamma, capacity. Numbers; in a step that CUDA replays,
tensors of one number each, so that they may change."""


class Batch(NamedTuple):
    """Some images of a data set with what is known of them."""

    images: Images
    factors: Factors
    labelled: Bool[Tensor, " batch"]
    """True in the rows whose factors the model may see."""


class DataSpec(NamedTuple):
    """What a model must know of a data set before it is built."""

    image_shape: ImageShape
    factor_sizes: tuple[int, ...]
    """Number of values of each factor; () for a set without factors."""
    image_count: int
    """Number of training images."""
    factor_names: tuple[str, ...] = ()
    """Name of each factor."""
    value_names: tuple[tuple[str, ...], ...] = ()
    """The values of each factor as a person gave them; see `FactorDataset.value_names`."""

    def name_of_value(self, factor: int, index: int) -> str:
        """Returns what a value of a factor is called; its index where it has no other name."""
        names = self.value_names[factor] if self.value_names else ()
        return names[index] if names else str(index)

    def index_of_value(self, factor: int, value: object) -> int:
        """Returns the index of a value of a factor.

        Args:
            factor: its place.
            value: a number or a word as the data have it; where these name none, the index.

        Raises:
            UsageError: there is no such value.
        """
        names = self.value_names[factor] if self.value_names else ()
        names = names or tuple(map(str, range(self.factor_sizes[factor])))
        shown = f"{value:.12g}" if isinstance(value, float) else str(value)
        if shown not in names:
            known = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
            raise UsageError(f"there is no value {shown:.80} of this factor; it has {known}.")
        return names.index(shown)

    def index_of(self, factor: str | None) -> int:
        """Returns the place of a factor among all.

        Args:
            factor: its name; None for the first one that has more than one value.

        Raises:
            UsageError: no such factor.
        """
        if factor in self.factor_names:
            return self.factor_names.index(factor)
        varying = [place for place, size in enumerate(self.factor_sizes) if size > 1]
        if factor is None and varying:
            return varying[0]
        known = ", ".join(self.factor_names) or "none"
        raise UsageError(f"no factor {factor or 'that varies'} in this data set; it has {known}.")
