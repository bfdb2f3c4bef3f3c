"""What the settings of every data set share."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from distaff.registry import Config

if TYPE_CHECKING:
    from distaff.data.base import Dataset


@dataclass(frozen=True, kw_only=True)
class DatasetConfig(Config):
    """Settings of a data set."""

    labelled: int | str | None = field(default=None, metadata={"hashed": "if changed"})
    """Which training images are labelled: so many, drawn at random, or those whose rows an .npy
    file lists; by default all. The factors of the others are unknown to a model, not to a score."""
    label_seed: int = field(default=0, metadata={"hashed": "if changed"})
    """Decides which images are labelled; more of them, with the same seed, are these and others."""

    def build(self) -> "Dataset":
        """Returns the data set of these settings; nothing is read yet."""
        dataset: Dataset = self.owner(self)
        return dataset
