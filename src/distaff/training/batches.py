"""Which images a step of a training sees."""

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from distaff.data import FactorDataset
from distaff.errors import UsageError
from distaff.training.settings import Training
from distaff.types import Batch


class Batches:
    """Batches of a set: each epoch goes through all images in an order of its own.

    A batch depends on the seed and the number of its step alone, so a resumed training needs no
    more than these. Images that do not fill a batch are left out of an epoch.
    """

    def __init__(
        self,
        images: FactorDataset,
        training: Training,
        supervised: bool,
        *,
        seed: int,
        stream: int = 0,
    ) -> None:
        """Decides which rows are drawn from.

        Args:
            images: to draw from.
            training: size of a batch, and how many of its images are labelled.
            supervised: whether labelled rows are marked as such.
            seed: decides the order.
            stream: another number gives other batches for the same seed.

        Raises:
            UsageError: a batch holds more labelled images than itself, or the set has none.
        """
        self._images = images
        self._supervised = supervised
        size = min(training.batch_size, len(images))
        every = torch.arange(len(images), device=images.device)
        wanted = training.labelled_per_batch
        if wanted is None:
            self._rows = [_Rows(every, size, [seed], stream)]
            return
        known = images.labelled
        labelled, others = every[known], every[~known]
        if not 0 < wanted < size or not len(labelled) or not len(others):
            raise UsageError(
                f"labelled_per_batch is {wanted} of {size} images a batch, with {len(labelled)} "
                f"labelled and {len(others)} unlabelled images; give a number from 1 to "
                f"{size - 1}, and label some of the images with --data.labelled."
            )
        self._rows = [
            _Rows(labelled, wanted, [seed, LABELLED], stream),
            _Rows(others, size - wanted, [seed, UNLABELLED], stream),
        ]

    def at(self, step: int) -> Batch:
        """Returns the batch of a step, images with their channels last in memory."""
        rows = torch.cat([some.at(step) for some in self._rows])
        batch = self._images.batch_at(rows, labelled=self._supervised)
        # `contiguous` would keep the strides of a single channel, and the first layer its slow path
        return batch._replace(images=batch.images.to(memory_format=torch.channels_last))


LABELLED, UNLABELLED = 1, 2
"""Numbers of the orders of labelled and of unlabelled images, beside the seed."""


class _Rows:
    """Some rows in an order of their own each time they are gone through."""

    def __init__(self, rows: Int[Tensor, " row"], size: int, seeds: list[int], stream: int) -> None:
        self._rows, self._seeds, self._stream = rows, seeds, [stream] if stream else []
        self._size = min(size, len(rows))
        self._repeats = -(-size // self._size)
        self._wanted = size
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def at(self, step: int) -> Int[Tensor, " batch"]:
        """Returns the rows of a step; fewer than a batch come several times in it."""
        parts = [self._portion(step * self._repeats + i) for i in range(self._repeats)]
        return parts[0] if self._repeats == 1 else torch.cat(parts)[: self._wanted]

    def _portion(self, number: int) -> Int[Tensor, " portion"]:
        epoch, place = divmod(number, len(self._rows) // self._size)
        if self._order[0] != epoch:
            generator = np.random.default_rng([*self._seeds, epoch, *self._stream])
            order = torch.from_numpy(generator.permutation(len(self._rows)))
            self._order = (epoch, self._rows[order.to(self._rows.device)])
        return self._order[1][place * self._size : (place + 1) * self._size]


def joined(first: Batch, second: Batch) -> Batch:
    """Returns two batches as one, the second after the first."""
    return Batch(*(torch.cat(pair) for pair in zip(first, second, strict=True)))
