"""Whether a set is still the one that was trained on: a digest of what its files decide."""

import hashlib

import numpy as np

from distaff.data.factor_dataset import FactorDataset
from distaff.data.sources import StoredImages


def digest_of(dataset: FactorDataset) -> str:
    """Returns the SHA-256 of images, factors and splits, in their order; no path is in it.

    Images count where they are held as they were read. Those that are drawn, or unpacked from an
    official file whose sum was checked, follow from the settings, and so do their factors; rows of
    the splits always count, since they can come from a file, or from a generator that changed.
    """
    digest = hashlib.sha256()
    if isinstance(dataset.source, StoredImages):
        digest.update(f"{dataset.image_shape} {dataset.factor_names}\n".encode())
        digest.update(dataset.source.digest.encode())
        for table, kind in ((dataset.factors, "<i8"), (dataset.values, "<f8")):
            digest.update(np.ascontiguousarray(table.cpu().numpy(), dtype=kind).data)
    for name, rows in dataset.splits.items():
        digest.update(f"\n{name} {len(rows)}\n".encode())
        digest.update(np.ascontiguousarray(rows.cpu().numpy(), dtype="<i8").data)
    return digest.hexdigest()
