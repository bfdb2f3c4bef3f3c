"""Codes of known quality whose factors, rows or settings are not the usual ones.

The factors of `known_codes.py` are independent and discrete, each row is another image and no score
is told more than codes and factors. What the cases here differ in has misled scores.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from distaff.arrays import Array
from distaff.audit.known_codes import CODES, SIZES, Code, beside, code_of, noise_of, perfect
from distaff.audit.known_limits import limits_of_correlated_normals, limits_of_cut_values
from distaff.metrics.arrays import FEWEST_ROWS

RHO = 0.9
CUT = 3
UNUSED_NATS = 0.009
"""Of a latent whose posterior is the prior almost everywhere."""
TIMES = 4


def _normal(rows: int, seed: int) -> Array:
    return np.random.default_rng([seed, 0]).normal(size=(rows, len(SIZES)))


def _shared_seed(rows: int, seed: int) -> Array:
    """Factors whose random numbers a careless score would draw again."""
    return np.random.default_rng(seed).integers(0, SIZES, size=(rows, len(SIZES)))


def _correlated(rows: int, seed: int) -> Array:
    """Scale follows shape, and y follows x, in half of the rows; all values stay equally frequent.

    I(shape; scale) is 0.23 nats, 0.21 of H(shape), and I(x; y) is 1.11 nats, 0.32 of H(x).
    """
    generator = np.random.default_rng([seed, 0])
    factors = generator.integers(0, SIZES, size=(rows, len(SIZES)))
    follows = generator.random((rows, 2)) < 0.5
    fine = generator.integers(0, 2, size=rows)
    factors[:, 1] = np.where(follows[:, 0], 2 * factors[:, 0] + fine, factors[:, 1])
    factors[:, 4] = np.where(follows[:, 1], factors[:, 3], factors[:, 4])
    return factors


def _cut(factors: Array, _: np.random.Generator) -> Array:
    return np.asarray(CUT * factors // (factors.max(axis=0) + 1) - 1.0)


def _partly_known(factors: Array, generator: np.random.Generator) -> Array:
    return np.asarray(RHO * factors + np.sqrt(1 - RHO**2) * noise_of(factors, generator))


def _with_unused(factors: Array, generator: np.random.Generator) -> Array:
    """The perfect code beside means of variance 2 UNUSED_NATS, mixtures of all factors.

    A posterior of mean m and variance 1 has m^2 / 2 nats from the standard normal prior.
    """
    mixture = perfect(factors) @ generator.normal(size=(len(SIZES), len(SIZES)))
    return beside(factors, np.sqrt(2 * UNUSED_NATS) * mixture / mixture.std(axis=0))


def _unused() -> Mapping[str, Any]:
    """For each score the way in which it can be told: which latents count, or their nats."""
    used = np.arange(2 * len(SIZES)) < len(SIZES)
    return {"active": used, "kl": [np.where(used, 3.0, UNUSED_NATS)] * 2}


def _several_times(rows: int, generator: np.random.Generator) -> Array:
    """Each of a quarter of the images, and then images drawn from them with replacement."""
    distinct = max(rows // TIMES, FEWEST_ROWS)
    drawn = generator.integers(0, distinct, size=rows - distinct)
    return np.concatenate([np.arange(distinct), drawn])


CASES: Mapping[str, Code] = {
    "seed shared with factors": code_of(lambda f, _: perfect(f))._replace(factors=_shared_seed),
    "factors correlated": code_of(lambda f, _: perfect(f), independent=None)._replace(
        factors=_correlated
    ),
    "unused latents more": code_of(_with_unused)._replace(settings=_unused()),
    "cut to three values": code_of(_cut, None, modular=1.0, alike=1.0, independent=1.0)._replace(
        limits=limits_of_cut_values(SIZES, CUT)
    ),
    "continuous, ρ = 0.9": code_of(_partly_known, None, independent=1.0)._replace(
        factors=_normal,
        settings={"factor_kinds": ["continuous"] * len(SIZES)},
        limits=limits_of_correlated_normals(RHO),
    ),
    "noise, each row four times": code_of(noise_of, 0.0, independent=1.0)._replace(
        rows=_several_times
    ),
}
"""Expected answers beside those of closed forms:

- shared seed: as any perfect code, for the numbers of a score must not meet those of the factors;
- correlated factors: the code is the factors and could not be better. Only the latents are as
  dependent as they are;
- unused latents: as the perfect code, for a score is told that the others do not count;
- cut values: each latent is of one factor, and how well it is known has as many answers as units;
- repeated rows: no new images, so as noise.
"""
KNOWN: Mapping[str, Code] = {**CODES, **CASES}
COMPLETE_SIZES = (3, 4, 5, 4, 4)
"""Numbers of values of a complete set, for the scores that need one."""


class DataSet(NamedTuple):
    """What is given to the scores."""

    code: str
    tables: list[Array]
    """Two codes, alike but for their noise, [sample, latent] each."""
    factors: Array
    """[sample, factor]."""


def data_set(code: str, rows: int, seed: int) -> DataSet:
    """Returns a code of known quality with its factors.

    Args:
        code: a name in `KNOWN`.
        rows: images.
        seed: of factors and noise.
    """
    known = KNOWN[code]
    factors = known.factors(rows, seed)
    tables = _tables(known, factors, seed)
    if known.rows is not None:
        kept = known.rows(rows, np.random.default_rng([seed, 3]))
        tables, factors = [table[kept] for table in tables], factors[kept]
    return DataSet(code, tables, factors)


def complete_set(code: str, seed: int) -> DataSet:
    """Returns the same code of all combinations of the values of some small factors."""
    factors = np.array(list(np.ndindex(*COMPLETE_SIZES)))
    return DataSet(code, _tables(KNOWN[code], factors, seed), factors)


def _tables(known: Code, factors: Array, seed: int) -> list[Array]:
    """Returns the code of two models that differ by their seed."""
    return [known.make(factors, np.random.default_rng([seed, i])) for i in (1, 2)]
