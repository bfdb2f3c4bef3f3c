"""What a data set must offer to be loaded by name."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from distaff.data.factors import FactorDataset


class Dataset(ABC):
    """A data set that can be loaded; its nested `Config` holds the settings."""

    Config: ClassVar[type]

    def __init__(self, config: Any) -> None:
        self.config = config

    @abstractmethod
    def load(self) -> FactorDataset:
        """Returns the images with their factors.

        Raises:
            DataError: a file is missing or not what it should be.
        """
