"""Which images a step of a training sees."""

import numpy as np
import torch
from torch import Tensor

from distaff.data import FactorDataset
from distaff.types import Batch


class Batches:
    """Batches of a set: each epoch goes through all images in an order of its own.

    What a step sees follows from the seed and the number of the step alone, so that a training
    which goes on later needs to know no more. Images that fill no batch are left out of an epoch.
    """

    def __init__(self, images: FactorDataset, size: int, labelled: bool, *, seed: int) -> None:
        self._images = images
        self._size = min(size, len(images))
        self._labelled = labelled
        self._seed = seed
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def at(self, step: int) -> Batch:
        """Returns the batch of a step, images with their channels last in memory."""
        epoch, place = divmod(step, len(self._images) // self._size)
        if self._order[0] != epoch:
            order = np.random.default_rng([self._seed, epoch]).permutation(len(self._images))
            self._order = (epoch, torch.from_numpy(order).to(self._images.device))
        rows = self._order[1][place * self._size : (place + 1) * self._size]
        batch = self._images.batch_at(rows, labelled=self._labelled)
        # `contiguous` would leave one channel as it is, and the first layer goes the slow way
        return batch._replace(images=batch.images.to(memory_format=torch.channels_last))
