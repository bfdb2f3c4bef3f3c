"""What a metric says; nothing here needs torch."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, TypedDict

import numpy as np
from jaxtyping import Float

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Active: TypeAlias = Sequence[bool] | Array
"""For each latent, True or False: whether a score takes it into account."""


class Score(NamedTuple):
    """What a metric says of a code, with what is needed to believe it."""

    value: float
    """The score; higher is better."""
    interval: tuple[float, float] | None
    """95 % confidence interval of the value over the choice of evaluation images."""
    chance: float
    """The same estimator on shuffled factors."""
    ceiling: float
    """The same estimator when the codes are the factors themselves."""
    estimator: str
    """Name of the estimator and its settings."""
    parts: Mapping[str, float] = MappingProxyType({})
    """Contributions, for example one for each factor."""
    relation: Float[np.ndarray, "latent factor"] | None = None
    """The matrix the score was read from."""


class ScoreContent(TypedDict):
    """A score as it stands in scores.json, which knows neither tuples nor arrays."""

    value: float
    interval: list[float] | None
    chance: float
    ceiling: float
    estimator: str
    parts: dict[str, float]
    relation: list[list[float]] | None


def score_from_json(content: ScoreContent) -> Score:
    """Returns the score that stands in a file.

    Raises:
        ValueError: the rows of its matrix differ in length.
    """
    interval, relation = content["interval"], content["relation"]
    return Score(
        value=content["value"],
        interval=(interval[0], interval[1]) if interval else None,
        chance=content["chance"],
        ceiling=content["ceiling"],
        estimator=content["estimator"],
        parts=content["parts"],
        relation=None if relation is None else np.array(relation).reshape(len(relation), -1),
    )
