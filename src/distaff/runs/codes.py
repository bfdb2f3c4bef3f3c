"""Run to codes: each image is encoded once, and looked up from then on."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distaff.arrays import Array
from distaff.data import FactorDataset
from distaff.data.reading.array_files import read_npy
from distaff.errors import DataError
from distaff.files import atomic_write, damaged
from distaff.inference.encode import posterior_of
from distaff.models import GenerativeModel
from distaff.probability.gaussian import DiagonalGaussian
from distaff.runs.run import EVALUATE_AGAIN, Run
from distaff.training.device import choose_device

CHUNK = 4_096
"""Images between two reports of progress."""

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
    dataset: FactorDataset, images: int, seed: int, *, part: str = "test"
) -> Tensor:
    """Returns random rows of a part, all of them where there are fewer."""
    rows = dataset.splits[part]
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    return rows[order[:images]]


def all_posteriors(
    run: Run, dataset: FactorDataset, on_images: OnImages | None = None
) -> DiagonalGaussian:
    """Returns the posterior of every image, from the run's folder where they are known.

    Args:
        run: a finished run.
        dataset: the whole set it was trained on.
        on_images: told how far the encoding is; not called where nothing is encoded.

    Returns:
        Mean and log standard deviation, float32 [image, latent], on the CPU.

    Raises:
        RunError: the run is not finished, its folder cannot be written to, or what is kept there
            is damaged.
    """
    paths = _files(run)
    if not all(path.is_file() for path in paths):
        _encode(run, dataset, paths, on_images)
    model = run.experiment.model
    assert isinstance(model, GenerativeModel.Config)  # others have no codes that were kept
    shape = (len(dataset), model.latents)
    return DiagonalGaussian(*(torch.from_numpy(_read(path, shape)) for path in paths))


def posteriors_of(run: Run, dataset: FactorDataset, rows: Tensor) -> DiagonalGaussian:
    """Returns the posteriors of some images, float32 [image, latent], on the CPU.

    They are looked up where the whole set was encoded before.

    Raises:
        RunError: the run is not finished.
    """
    if all(path.is_file() for path in _files(run)):
        mean, log_std = all_posteriors(run, dataset)
        return DiagonalGaussian(mean[rows], log_std[rows])
    return posterior_of(run.load_vae(), dataset.subset(rows))


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
    return values


def _encode(
    run: Run, dataset: FactorDataset, paths: Sequence[Path], on_images: OnImages | None
) -> None:
    model = run.load_vae(choose_device("auto"))
    parts, done = [], 0
    for rows in torch.arange(len(dataset)).split(CHUNK):
        parts.append(posterior_of(model, dataset.subset(rows)))
        done += len(rows)
        if on_images is not None:
            on_images(done, len(dataset))
    for path, columns in zip(paths, zip(*parts, strict=True), strict=True):
        with atomic_write(path) as temporary:
            np.save(temporary, torch.cat(columns).float().numpy())
    for name in NAMES:
        for other in set(run.folder.glob(f"{name}-*.npy")) - set(paths):  # of parameters gone
            other.unlink()


def _files(run: Run) -> list[Path]:
    """Where means and log standard deviations under these very parameters are kept."""
    return [run.folder / f"{name}-{run.stamp}.npy" for name in NAMES]
