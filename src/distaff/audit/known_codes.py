"""Codes whose quality is known, and what a score should say of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from distaff.arrays import Array
from distaff.audit.known_limits import limits_of_noisy_values

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


def independent_factors(rows: int, seed: int) -> Array:
    """Returns discrete factors as those of dSprites, [sample, factor]."""
    return np.random.default_rng([seed, 0]).integers(0, SIZES, size=(rows, len(SIZES)))


class Code(NamedTuple):
    """A code whose quality is known."""

    make: Make
    """From factors and a generator."""
    expected: Expected
    lost: tuple[int, ...]
    """The factors that are no better than noise where an answer is below 1."""
    limits: Mapping[str, float] = MappingProxyType({})
    """For scores by name what their own formula comes to with ever more images, as a share of the
    best value. Where known it is expected instead of the answer to the question."""
    factors: Callable[[int, int], Array] = independent_factors
    """From the number of rows and a seed."""
    rows: Callable[[int, np.random.Generator], Array] | None = None
    """From the number of rows, which of them are kept, where that is not each one once."""
    settings: Mapping[str, Any] = MappingProxyType({})
    """Arguments of the scores that have them."""

    @property
    def usual_rows(self) -> bool:
        """Whether the factors are independent and discrete and each row is another image."""
        return self.factors is independent_factors and self.rows is None


def code_of(
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


def _noisy(noise: float) -> Code:
    return code_of(
        lambda f, g: perfect(f) + noise * noise_of(f, g), None, independent=1.0
    )._replace(limits=limits_of_noisy_values(SIZES, noise))


def perfect(factors: Array) -> Array:
    """Returns the factors, brought to the scale of the latents of a VAE."""
    return np.asarray((factors - factors.mean(axis=0)) / factors.std(axis=0))


def _turned(degrees: float, *pairs: tuple[int, int]) -> Make:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rotation = np.eye(len(SIZES))
    for i, j in pairs:
        rotation[np.ix_((i, j), (i, j))] = (cosine, -sine), (sine, cosine)
    return lambda factors, _: perfect(factors) @ rotation


def noise_of(factors: Array, generator: np.random.Generator) -> Array:
    """Returns a code that tells nothing of the factors."""
    return np.asarray(generator.normal(size=factors.shape))


def _heavy_tailed(factors: Array, generator: np.random.Generator) -> Array:
    return np.asarray(generator.standard_t(1.5, size=factors.shape))


def _with_outlier(factors: Array, _: np.random.Generator) -> Array:
    codes = perfect(factors)
    codes[0] = 1e6
    return codes


def beside(factors: Array, latents: Array) -> Array:
    """Returns the perfect code with more latents."""
    return np.column_stack([perfect(factors), latents])


CODES: Mapping[str, Code] = {
    "perfect": code_of(lambda f, _: perfect(f)),
    "permuted": code_of(lambda f, _: np.roll(perfect(f), 1, axis=1), partitioned=0.0),
    "signs flipped": code_of(lambda f, _: -perfect(f)),
    "rescaled ×0.01 to ×100": code_of(
        lambda f, _: perfect(f) * np.geomspace(0.01, 100, len(SIZES))
    ),
    "shifted": code_of(lambda f, _: perfect(f) + np.linspace(-20, 20, len(SIZES))),
    "noise of 1e-9": code_of(lambda f, g: perfect(f) + 1e-9 * noise_of(f, g)),
    "one outlier": code_of(_with_outlier),
    "one dead latent more": code_of(lambda f, _: beside(f, 0 * f[:, :1])),
    "noise latents more": code_of(lambda f, g: beside(f, noise_of(f, g))),
    "each latent twice": code_of(
        lambda f, _: beside(f, perfect(f)), compact=0.0, alike=None, independent=None
    ),
    "two factors missing": code_of(
        lambda f, _: perfect(f)[:, 2:], 0.6, (0, 1), modular=1.0, independent=1.0
    ),
    "position turned 10°": code_of(_turned(10, (3, 4)), None, readable=1.0),
    "position turned 22.5°": code_of(_turned(22.5, (3, 4)), None, readable=1.0),
    "position turned 45°": code_of(
        _turned(45, (3, 4)), 0.6, (3, 4), readable=1.0, independent=None
    ),
    "two pairs turned 45°": code_of(
        _turned(45, (1, 2), (3, 4)), 0.2, (1, 2, 3, 4), readable=1.0, independent=None
    ),
    "noise of half the spread": _noisy(0.5),
    "half noise": _noisy(1.0),
    "noise": code_of(noise_of, 0.0, independent=1.0),
    "heavy-tailed noise": code_of(_heavy_tailed, 0.0, independent=1.0),
}
