"""A classifier of images, trained as the generative models are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from distaff.models.base import Model, ModelConfig, Player
from distaff.models.inputs import takes_pictures
from distaff.nets import ConvolutionalEncoder, unrounded
from distaff.nets.encoder import EncoderConfig
from distaff.registry import check_kind
from distaff.types import Batch, DataSpec, Images, LossTerms, Noise, Settings


class Classifier(Model):
    """Net that predicts the value of a factor, to judge the images of a conditional model.

    Minimises  -log p(c|x),  in nats per image, on images that are each moved by a random number
    of pixels; only the labelled rows of a batch count.

    Reference: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document
    recognition", section III.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(ModelConfig):
        """Settings of the classifier."""

        factor: str | None = None
        """Name of the factor, for example digit; by default the first that has more than one
        value."""
        encoder: EncoderConfig = field(
            default_factory=lambda: ConvolutionalEncoder.Config(widths=(32, 64, 64))
        )
        """Net from image to a number for each value, one of `distaff list nets`."""
        shift: int = 2
        """Pixels by which a training image is moved at most, along each side."""

        def __post_init__(self) -> None:
            """Refuses a negative shift, and one that leaves nothing of the largest picture."""
            check_kind(self.encoder, EncoderConfig, "encoder")
            if not 0 <= self.shift < 1024:
                raise ValueError(f"shift is {self.shift}; it must be from 0 to 1023")

    config: Config
    supervised = True

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.factor = spec.index_of(config.factor)
        self.encoder = config.encoder.build(spec.image_shape, spec.factor_sizes[self.factor])

    @property
    def players(self) -> Mapping[str, Player]:
        """One player."""
        return {"classifier": Player(self.classifier_terms, self.objective, ("encoder",))}

    @takes_pictures
    def probabilities(self, images: Images) -> Float[Tensor, "batch value"]:
        """Returns p(c|x) of each value: a tensor of tensors, else an array.

        Args:
            images: pictures as `prepare` takes them.

        Raises:
            UsageError, DataError: as in `prepare`.
        """
        shares: Tensor = unrounded(self.encoder(images)).softmax(dim=1)
        return shares

    def sample_noise(self, batch_size: int, generator: torch.Generator) -> Noise:
        """Draws numbers in [0, 1) that say how far each image is moved, [batch, 2]."""
        return torch.rand(batch_size, 2, generator=generator, device=generator.device)

    def classifier_terms(self, batch: Batch, noise: Noise) -> LossTerms:
        """Returns `cross_entropy`, -log p(c|x); images are moved only in training mode."""
        images = batch.images
        if self.training:
            offsets = (noise * (2 * self.config.shift + 1)).long() - self.config.shift
            images = moved(images, offsets, self.config.shift)
        values = batch.factors[:, self.factor]
        logits = unrounded(self.encoder(images))
        return {"cross_entropy": functional.cross_entropy(logits, values, ignore_index=-1)}

    @staticmethod
    def objective(terms: LossTerms, settings: Settings) -> Tensor:  # noqa: ARG004
        """Returns the cross-entropy."""
        return terms["cross_entropy"]


def moved(images: Images, offsets: Int[Tensor, "batch 2"], limit: int) -> Images:
    """Moves each image down and right by its own number of pixels; what comes in is black.

    Args:
        images: [batch, channel, height, width].
        offsets: pixels down and right, from -limit to limit.
        limit: largest offset.
    """
    height, width = images.shape[2:]
    wide = functional.pad(images, [limit] * 4)
    down, right = limit - offsets[:, :1], limit - offsets[:, 1:]
    rows = down + torch.arange(height, device=images.device)
    columns = right + torch.arange(width, device=images.device)
    image = torch.arange(len(images), device=images.device)
    cut: Images = wide[image[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return cut.movedim(3, 1)
