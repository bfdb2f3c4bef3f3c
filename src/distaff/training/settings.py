"""How a model is trained: the settings, and what follows from them."""

import math
from dataclasses import dataclass, field
from typing import Literal

MOST = 10**12
COUNTS = {
    **dict.fromkeys(("steps", "epochs", "log_every", "validate_every", "patience"), (1, MOST)),
    **dict.fromkeys(("batch_size", "labelled_per_batch"), (1, 2**16)),
    "validation_images": (1, MOST),
    "training_images": (0, MOST),
}
"""Smallest and largest value of the settings that count something."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a model is trained."""

    steps: int = 10_000
    """Number of parameter updates."""
    epochs: int | None = None
    """Passes over the training images; where given, it decides the number of steps."""
    batch_size: int = 64
    """Images a step."""
    labelled_per_batch: int | None = field(default=None, metadata={"hashed": "if changed"})
    """Labelled images in a batch; by default however many the random order brings."""
    learning_rate: float = 1e-3
    """Step size of Adam."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Whether the learning rate stays, or falls to 0 along half a cosine over all steps."""
    binarize: bool = False
    """Whether grey pixels are drawn black or white, again at each visit of an image, with the grey
    level as probability; held-out images are drawn the same way at each validation."""
    gradient_clip: float | None = None
    """Largest norm of a player's gradient; a longer one is scaled down to it."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """Number format of the nets; parameters and losses are float32 in each. With tf32 products are
    rounded on CUDA; on other devices it is float32."""
    cuda_graph: bool = field(default=False, metadata={"hashed": "never"})
    """Whether the work of a step is recorded once and replayed, instead of launching its
    kernels one by one; on other devices than CUDA it changes nothing."""
    device: str = "auto"
    """Where to train: auto (CUDA, then MPS, then CPU), cpu, cuda, cuda:1, mps."""
    log_every: int = 100
    """Steps between two lines of the training log, each the mean over these steps."""
    validate_every: int = 1000
    """Steps between validations."""
    validation_images: int = 2048
    """Held-out images in a validation; all of them if there are fewer."""
    training_images: int = 0
    """Training images measured in the same way at each validation, for comparable curves."""
    patience: int | None = None
    """Stop after this many validations in a row without gain, and restore the best parameters."""
    minimal_gain: float = 0.0
    """Smallest improvement, in nats per image, that resets patience."""
    on_nan: Literal["stop", "skip"] = field(default="stop", metadata={"hashed": "never"})
    """What to do when a loss or gradient is not finite: stop the training, or skip the update and
    count it in the log."""

    def __post_init__(self) -> None:
        """Refuses settings out of their range."""
        for name, (low, high) in COUNTS.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise ValueError(f"{name} is {value}; it must be at least {low}")
            if value is not None and value > high:
                raise ValueError(f"{name} is {value:,}; it must be at most {high:,}")
        for name in ("learning_rate", "gradient_clip"):
            value = getattr(self, name)
            if value is not None and not (0 < value < math.inf):
                raise ValueError(f"{name} is {value}; it must be above 0, for example 0.001")
        if not 0 <= self.minimal_gain < math.inf:
            raise ValueError(f"minimal_gain is {self.minimal_gain}; it must be at least 0")


def number_of_steps(training: Training, images: int) -> int:
    """Returns the number of updates; images that do not fill a batch are left out of an epoch."""
    if training.epochs is None:
        return training.steps
    return training.epochs * max(1, images // training.batch_size)
