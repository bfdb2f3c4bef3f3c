"""What the settings of every data set share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from distaff.registry import Config

if TYPE_CHECKING:
    from distaff.data.base import Dataset


@dataclass(frozen=True, kw_only=True)
class DatasetConfig(Config):
    """Settings of a data set."""

    def build(self) -> "Dataset":
        """Returns the data set of these settings; nothing is read yet."""
        dataset: Dataset = self.owner(self)
        return dataset
