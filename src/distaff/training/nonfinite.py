"""A loss that is no finite number, and the batch that gave it."""

import json
from pathlib import Path

import safetensors.torch

from distaff.errors import DistaffError
from distaff.files import atomic_write
from distaff.types import Batch, LossTerms, Noise


class NonFiniteLossError(DistaffError):
    """A loss or gradient that is no finite number, with the batch that gave it."""

    def __init__(self, step: int, batch: Batch, noise: Noise, terms: LossTerms) -> None:
        self.batch = batch
        self.noise = noise
        self.terms = {name: value.item() for name, value in terms.items()}
        named = ", ".join(f"{name} {value:.6g}" for name, value in self.terms.items())
        super().__init__(
            f"loss or gradient is not finite at step {step} ({named}); try a lower "
            f"--training.learning-rate or --training.gradient-clip 100, or leave such batches out "
            f"with --training.on-nan skip"
        )


def write_nonfinite_batch(path: Path, error: NonFiniteLossError) -> None:
    """Keeps the batch that gave a non-finite loss: images, factors, noise, and its terms.

    Raises:
        RunError: as in `atomic_write`.
    """
    culprit = {
        "images": error.batch.images.contiguous(),
        "factors": error.batch.factors,
        "noise": error.noise,
    }
    with atomic_write(path) as temporary:
        # one entry: several come in another order each time
        terms = {"terms": json.dumps(error.terms)}
        temporary.write_bytes(safetensors.torch.save(culprit, terms))
