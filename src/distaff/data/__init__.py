"""Data sets by name, and the functions that load them."""

from pathlib import Path
from typing import Any

from distaff.data.arrays import Arrays
from distaff.data.base import Dataset
from distaff.data.circles import Circles
from distaff.data.coloured_sprites import ColouredSprites
from distaff.data.config import DatasetConfig
from distaff.data.dsprites import DSprites
from distaff.data.factor_dataset import FactorDataset
from distaff.data.fashion_mnist import FashionMnist
from distaff.data.image_folder import ImageFolder
from distaff.data.labels import with_labels
from distaff.data.mnist import Mnist
from distaff.data.reading.official_files import data_folder
from distaff.data.reading.untrusted import moved
from distaff.data.sprites import Sprites
from distaff.errors import UsageError
from distaff.registry import Registry

DATASETS: Registry[type[Dataset]] = Registry(
    "distaff.data",
    "data set",
    {
        "dsprites": DSprites,
        "sprites": Sprites,
        "coloured-sprites": ColouredSprites,
        "circles": Circles,
        "mnist": Mnist,
        "fashion-mnist": FashionMnist,
        "folder": ImageFolder,
        "arrays": Arrays,
    },
    config=DatasetConfig,
)
register = DATASETS.register

__all__ = [
    "DATASETS",
    "Arrays",
    "Circles",
    "ColouredSprites",
    "DSprites",
    "Dataset",
    "DatasetConfig",
    "FactorDataset",
    "FashionMnist",
    "ImageFolder",
    "Mnist",
    "Sprites",
    "data_folder",
    "load",
    "load_from",
    "register",
]


def load(name: str, **settings: Any) -> FactorDataset:
    """Loads a data set.

    Args:
        name: one of `DATASETS`.
        **settings: fields of the data set's `Config`, for example `size=32` of `sprites`.

    Raises:
        UsageError: unknown name or setting.
        DataError: a file is missing and cannot be downloaded, or not what it should be.
    """
    dataset = DATASETS.look_up(name)
    try:
        config = dataset.Config(**settings)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} does not take {settings}: {error}.") from None
    return with_labels(config.build().load(), config)


def load_from(config: DatasetConfig, path: Path | None = None) -> FactorDataset:
    """Loads the data set of a config.

    Args:
        config: the nested `Config` of one of `DATASETS`.
        path: where its files lie now, if that is not where the config says.

    Raises:
        UsageError: `path` is given, and the set is not read from a path.
        DataError: as in `load`.
    """
    settings = config if path is None else moved(config, path)
    return with_labels(settings.build().load(), config)
