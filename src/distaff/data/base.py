"""The interface of a data set that is loaded by name."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from distaff.data.config import DatasetConfig
from distaff.data.factor_dataset import FactorDataset
from distaff.data.pictures import Resize
from distaff.data.reading.official_files import OfficialFile, OnBytes, ensure_downloaded
from distaff.registry import Configured

OnImages = Callable[[int, int], None]
"""Called with the number of images done and the total."""


class Comparison(NamedTuple):
    """How far a file and the drawing of the same set agree."""

    total: int
    """Images compared."""
    images: int
    """Images that differ."""
    pixels: int
    """Pixels that differ."""
    factors: int
    """Images whose factors differ."""
    rows: tuple[int, ...]
    """The first images that differ."""

    def __str__(self) -> str:
        """A sentence."""
        if not self.images and not self.factors:
            return f"All {self.total:,} images and their factors are those that distaff draws."
        first = f", first {', '.join(map(str, self.rows))}" if self.rows else ""
        return (
            f"{self.images:,} of {self.total:,} images differ from what distaff draws, by "
            f"{self.pixels:,} pixels in all{first}; {self.factors:,} have other factors."
        )


class Dataset(Configured, ABC):
    """A data set that can be loaded; its nested `Config` holds the settings."""

    Config: ClassVar[type[DatasetConfig]]
    official: ClassVar[tuple[OfficialFile, ...]] = ()
    """The files that its authors published; none of a set that is drawn."""

    def __init__(self, config: DatasetConfig) -> None:
        self.config = config

    @abstractmethod
    def load(self) -> FactorDataset:
        """Returns the images with their factors; downloads files that are missing.

        Raises:
            DataError: a file is missing and cannot be had, or is not what it should be.
        """

    @property
    def files(self) -> Sequence[OfficialFile]:
        """The official files that `load` reads with these settings."""
        return self.official

    @property
    def resize(self) -> Resize:
        """What happens to a person's own picture that has another size than those of the set."""
        return "refuse"

    def fetch(self, on_bytes: OnBytes | None = None) -> list[Path]:
        """Returns the paths of the files that `load` reads; downloads what is missing.

        Raises:
            DataError: a file cannot be had, or is not the official one.
        """
        return [ensure_downloaded(file, on_bytes=on_bytes) for file in self.files]

    def compare(self, file: OfficialFile, on_images: OnImages) -> Comparison | None:  # noqa: ARG002
        """Returns how far a file and the drawing of the set agree, or None where none is drawn.

        Raises:
            DataError: the file is missing, or not what it should be.
        """
        return None
