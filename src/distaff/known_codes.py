"""Codes whose quality is known, and what a score should say of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import numpy as np

from distaff.score import Array

SIZES = (3, 6, 40, 32, 32)
"""Numbers of values of shape, scale, orientation and position in dSprites."""


class Question(StrEnum):
    """What a score may ask of a code."""

    COMPACT = "one latent a factor"
    MODULAR = "one factor a latent"
    KNOWN = "a latent for each factor"
    READABLE = "factors can be read"
    ALL_THREE = "mean of three"
    """Of compact, modular and readable."""
    BOTH = "mean of two"
    """Of compact and modular."""
    CIRCLES = "a circle a factor"
    PARTITIONED = "read from its partition"
    ALIKE = "seeds agree"
    """Which is meant to tell without factors whether each is known."""
    INDEPENDENT = "latents independent"


Expected: TypeAlias = Mapping[Question, float | None]
"""1: as good as a perfect code, 0: like noise; None where no single answer can be expected."""
Make: TypeAlias = Callable[[Array, np.random.Generator], Array]


class Code(NamedTuple):
    """A code whose quality is known."""

    make: Make
    """From factors and a generator."""
    expected: Expected
    lost: tuple[int, ...]
    """The factors that are no better than noise where an answer is below 1."""


def _code(
    make: Make,
    answer: float | None = 1.0,
    lost: tuple[int, ...] = tuple(range(len(SIZES))),
    **others: float | None,
) -> Code:
    """Returns a code with one answer to all questions but those named."""
    expected = {question: others.get(question.name.lower(), answer) for question in Question}
    three = [expected[q] for q in (Question.COMPACT, Question.MODULAR, Question.READABLE)]
    expected[Question.ALL_THREE] = _mean(three)
    expected[Question.BOTH] = _mean(three[:2])
    expected[Question.CIRCLES] = None  # no factor of these is cyclic
    return Code(make, expected, lost)


def _mean(answers: Sequence[float | None]) -> float | None:
    known = [answer for answer in answers if answer is not None]
    return sum(known) / len(known) if len(known) == len(answers) else None


def _perfect(factors: Array) -> Array:
    """The factors, brought to the scale of the latents of a VAE."""
    return np.asarray((factors - factors.mean(axis=0)) / factors.std(axis=0))


def _turned(degrees: float, *pairs: tuple[int, int]) -> Make:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rotation = np.eye(len(SIZES))
    for i, j in pairs:
        rotation[np.ix_((i, j), (i, j))] = (cosine, -sine), (sine, cosine)
    return lambda factors, _: _perfect(factors) @ rotation


def _noise(factors: Array, generator: np.random.Generator) -> Array:
    return np.asarray(generator.normal(size=factors.shape))


def _heavy_tailed(factors: Array, generator: np.random.Generator) -> Array:
    return np.asarray(generator.standard_t(1.5, size=factors.shape))


def _with_outlier(factors: Array, _: np.random.Generator) -> Array:
    codes = _perfect(factors)
    codes[0] = 1e6
    return codes


def _beside(factors: Array, latents: Array) -> Array:
    return np.column_stack([_perfect(factors), latents])


CODES: Mapping[str, Code] = {
    "perfect": _code(lambda f, _: _perfect(f)),
    "permuted": _code(lambda f, _: np.roll(_perfect(f), 1, axis=1), partitioned=0.0),
    "signs flipped": _code(lambda f, _: -_perfect(f)),
    "rescaled ×0.01 to ×100": _code(lambda f, _: _perfect(f) * np.geomspace(0.01, 100, len(SIZES))),
    "shifted": _code(lambda f, _: _perfect(f) + np.linspace(-20, 20, len(SIZES))),
    "one outlier": _code(_with_outlier),
    "one dead latent more": _code(lambda f, _: _beside(f, 0 * f[:, :1])),
    "noise latents more": _code(lambda f, g: _beside(f, _noise(f, g))),
    "each latent twice": _code(
        lambda f, _: _beside(f, _perfect(f)), compact=0.0, alike=None, independent=None
    ),
    "two factors missing": _code(
        lambda f, _: _perfect(f)[:, 2:], 0.6, (0, 1), modular=1.0, independent=1.0
    ),
    "position turned 10°": _code(_turned(10, (3, 4)), None, readable=1.0),
    "position turned 22.5°": _code(_turned(22.5, (3, 4)), None, readable=1.0),
    "position turned 45°": _code(_turned(45, (3, 4)), 0.6, (3, 4), readable=1.0, independent=None),
    "two pairs turned 45°": _code(
        _turned(45, (1, 2), (3, 4)), 0.2, (1, 2, 3, 4), readable=1.0, independent=None
    ),
    "half noise": _code(lambda f, g: _perfect(f) + _noise(f, g), None, independent=1.0),
    "noise": _code(_noise, 0.0, independent=1.0),
    "heavy-tailed noise": _code(_heavy_tailed, 0.0, independent=1.0),
}
