"""Scores of a representation, by name: functions of plain arrays."""

from collections.abc import Callable

from distaff.metrics.mutual_information_gap import mutual_information_gap
from distaff.score import Score

METRICS: dict[str, Callable[..., Score]] = {
    "mutual-information-gap": mutual_information_gap,
}

__all__ = ["METRICS", "mutual_information_gap"]
