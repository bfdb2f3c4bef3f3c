"""Run to codes: each image is encoded once, and looked up from then on."""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from distaff.data import FactorDataset
from distaff.data.array_files import read_npy
from distaff.device import choose_device
from distaff.errors import DataError
from distaff.explore import posterior_of
from distaff.files import damaged, writing
from distaff.runs import EVALUATE_AGAIN, Run
from distaff.score import Array

CHUNK = 4_096
"""Images between two reports of progress."""

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
    rows = dataset.parts[part]
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    return rows[order[:images]]


def all_codes(run: Run, dataset: FactorDataset, on_images: OnImages | None = None) -> Array:
    """Returns the posterior mean of every image, from the run's folder where they are known.

    Args:
        run: a finished run.
        dataset: the whole set it was trained on.
        on_images: told how far the encoding is; not called where nothing is encoded.

    Returns:
        float32 [image, latent].

    Raises:
        RunError: the run is not finished, its folder cannot be written to, or the codes kept there
            are damaged.
    """
    path = _file(run)
    if not path.is_file():
        _encode(run, dataset, path, on_images)
    try:
        codes = read_npy(path)
    except DataError as error:
        raise damaged(path, error, EVALUATE_AGAIN) from None
    if codes.dtype != np.float32 or codes.shape != (len(dataset), run.experiment.model.latents):
        raise damaged(path, f"it holds {codes.dtype} of shape {codes.shape}", EVALUATE_AGAIN)
    return codes


def codes_of(run: Run, dataset: FactorDataset, rows: Tensor) -> Array:
    """Returns the posterior means of some images, float32 [image, latent].

    They are looked up where the whole set was encoded before.

    Raises:
        RunError: the run is not finished.
    """
    if _file(run).is_file():
        return np.asarray(all_codes(run, dataset)[rows.numpy()])
    return posterior_of(run.load_vae(), dataset.subset(rows)).mean.numpy()


def _encode(run: Run, dataset: FactorDataset, path: Path, on_images: OnImages | None) -> None:
    model = run.load_vae(choose_device("auto"))
    parts, done = [], 0
    for rows in torch.arange(len(dataset)).split(CHUNK):
        parts.append(posterior_of(model, dataset.subset(rows)).mean.float().numpy())
        done += len(rows)
        if on_images is not None:
            on_images(done, len(dataset))
    with writing(path) as temporary:
        np.save(temporary, np.concatenate(parts))
    for other in set(run.folder.glob("codes-*.npy")) - {path}:  # of parameters that are gone
        other.unlink()


def _file(run: Run) -> Path:
    """Where the codes of these very parameters are kept."""
    content = run.model_file.read_bytes() if run.finished else b""
    return run.folder / f"codes-{hashlib.sha256(content).hexdigest()[:8]}.npy"
