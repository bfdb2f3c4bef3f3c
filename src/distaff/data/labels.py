"""Which training images of a set are labelled."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from distaff.data.config import DatasetConfig
from distaff.data.factor_dataset import FactorDataset
from distaff.data.reading.array_files import read_npy
from distaff.errors import DataError, UsageError


def with_labels(dataset: FactorDataset, config: DatasetConfig) -> FactorDataset:
    """Returns the set with only those training images labelled that its settings name.

    Images outside the training split stay labelled: held-out terms and scores need their factors.

    Raises:
        UsageError: more labels asked for than there are training images, or none.
        DataError: the file of rows is missing, or lists something else than training images.
    """
    if config.labelled is None:
        return dataset
    train = dataset.splits["train"].cpu().numpy()
    if isinstance(config.labelled, str):
        chosen = _listed(Path(config.labelled), train)
    else:
        if not 0 <= config.labelled <= len(train):
            raise UsageError(
                f"labelled is {config.labelled}; give a number from 0 to {len(train)}, the number "
                f"of training images."
            )
        order = np.random.default_rng([config.label_seed, len(train)]).permutation(len(train))
        chosen = train[order[: config.labelled]]
    labels = torch.ones(len(dataset), dtype=torch.bool)
    labels[torch.from_numpy(train)] = False
    labels[torch.from_numpy(chosen)] = True
    return replace(dataset, labels=labels.to(dataset.device))


def _listed(
    path: Path, train: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if not path.is_file():
        raise DataError(f"no file of labelled rows at {path}; give an .npy array of image indices.")
    rows = read_npy(path)
    if not np.issubdtype(rows.dtype, np.integer) or rows.ndim != 1:
        raise DataError(
            f"{path} holds {rows.dtype} of shape {rows.shape}; give a list of image indices, whole "
            f"numbers."
        )
    outside = rows[~np.isin(rows, train)]
    if len(outside):
        raise DataError(
            f"{path} lists image {outside[0]}, which is not in the training split; list training "
            f"images only."
        )
    return rows.astype(np.int64)
