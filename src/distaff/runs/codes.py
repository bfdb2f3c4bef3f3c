"""The codes of a whole data set, kept in the folder of a run, and which images to measure."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distaff.arrays import Array
from distaff.data import FactorDataset
from distaff.data.reading.array_files import read_npy
from distaff.errors import DataError
from distaff.files import atomic_write, damaged
from distaff.probability.gaussian import DiagonalGaussian
from distaff.runs.run import EVALUATE_AGAIN, Run

NAMES = ("codes", "log-std")
"""Of the two files with what is known of every image."""
CODES = ("mean", "sample")
"""What of a posterior can be taken for the code."""
OnImages = Callable[[int, int], None]
"""Called with the number of images that are encoded, and of all."""


def is_complete(dataset: FactorDataset) -> bool:
    """Returns whether every combination of factor values is there exactly once."""
    sizes = dataset.factor_sizes
    if not sizes or len(dataset) != math.prod(sizes):
        return False
    place = np.ravel_multi_index(tuple(dataset.factors.T.long().cpu().numpy()), sizes)
    return bool((np.bincount(place, minlength=len(dataset)) == 1).all())


def some_test_images(
    dataset: FactorDataset, images: int, seed: int, *, split: str = "test"
) -> Tensor:
    """Returns random rows of a split, all of them where there are fewer."""
    rows = dataset.splits[split]
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    return rows[order[:images]]


def kept_posteriors(run: Run, images: int, latents: int) -> DiagonalGaussian | None:
    """Returns the posterior of every image of a set, where the run's folder holds them.

    Args:
        run: a finished run.
        images: number of images of the whole set.
        latents: of its model.

    Returns:
        Mean and log standard deviation, float32 [image, latent]; None where they are not kept.

    Raises:
        RunError: what is kept is damaged.
    """
    paths = _files(run)
    if not all(path.is_file() for path in paths):
        return None
    shape = (images, latents)
    return DiagonalGaussian(*(torch.from_numpy(_read(path, shape)) for path in paths))


def keep_posteriors(run: Run, posterior: DiagonalGaussian) -> None:
    """Writes the posterior of every image of a set; those of other parameters are removed.

    Raises:
        RunError: the folder cannot be written to.
    """
    paths = _files(run)
    for path, values in zip(paths, posterior, strict=True):
        with atomic_write(path) as temporary:
            np.save(temporary, values.float().numpy())
    for name in NAMES:
        for other in set(run.folder.glob(f"{name}-*.npy")) - set(paths):
            other.unlink()


def codes_from(posterior: DiagonalGaussian, kind: str, *, seed: int) -> Array:
    """Returns the mean of each image's posterior, or a sample of it that the seed decides.

    Args:
        posterior: of the images, on the CPU.
        kind: of `CODES`.
        seed: of the sample.

    Returns:
        [image, latent].
    """
    if kind == "mean":
        return np.asarray(posterior.mean.numpy())
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(posterior.mean.shape, generator=generator)
    return np.asarray(posterior.sample(noise).numpy())


def _read(path: Path, shape: tuple[int, int]) -> Array:
    try:
        values = read_npy(path)
    except DataError as error:
        raise damaged(path, error, EVALUATE_AGAIN) from None
    if values.dtype != np.float32 or values.shape != shape:
        raise damaged(path, f"it holds {values.dtype} of shape {values.shape}", EVALUATE_AGAIN)
    if not np.isfinite(values).all():
        raise damaged(path, "some numbers are not finite", EVALUATE_AGAIN)
    return values


def _files(run: Run) -> list[Path]:
    """Where means and log standard deviations under these very parameters are kept."""
    return [run.folder / f"{name}-{run.stamp}.npy" for name in NAMES]
