"""What every score asks of its arrays."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from distaff.arrays import Array
from distaff.factors import factor_of, plain_array
from distaff.metrics.score import Active

FEWEST_ROWS = 100
LARGEST_EXPONENT = 300
"""Of 2: sums of squares of such numbers are still finite, and not yet 0."""
MANY_VALUES = 4
"""Times sqrt(n): a latent of more values is continuous, and equal ones are of the same image."""


class Checked(NamedTuple):
    """Arrays that a score can be computed from."""

    codes: Float[np.ndarray, "sample latent"]
    factors: Int[np.ndarray, "sample factor"]
    """All that were given."""
    varying: Bool[np.ndarray, " factor"]
    """Which factors have more than one value."""
    names: list[str]
    """Of the factors that vary."""
    repeats: int
    """Rows left out because they repeat another one."""


def checked(
    codes: Array,
    factors: Array,
    factor_names: Sequence[str] | None,
    *,
    active: Active | None = None,
    keep_repeats: bool = False,
) -> Checked:
    """Returns codes and factors fit for a score.

    Images drawn with replacement come several times. Scores that look at neighbours or split the
    rows take each for a confirmation by another image, so a row that repeats the code and the
    factors of another one is left out (see `first_of_each`).

    Args:
        codes: numbers, [sample, latent].
        factors: whole numbers, [sample, factor].
        factor_names: a name for each factor, or None.
        active: for each latent whether it counts; one that does not becomes a constant. None: all.
        keep_repeats: leave repeated rows in, as the published scores do.

    Raises:
        ValueError: what is wrong with the arrays and what would be right.
    """
    codes, factors = _numbers(codes), numbered(factors)
    if codes.ndim != 2 or factors.ndim != 2 or len(codes) != len(factors):
        raise ValueError(
            f"codes are {codes.shape} and factors {factors.shape}; give two tables with a row "
            f"for each image, [sample, latent] and [sample, factor]"
        )
    codes = checked_codes(codes, active)
    if not np.isfinite(factors).all():
        raise ValueError(
            f"{(~np.isfinite(factors)).sum()} factors are NaN or infinite; remove them"
        )
    if not np.array_equal(factors, np.round(factors)):
        raise ValueError(
            "factors must be whole numbers, words or truth values; say in factor_kinds which are "
            "continuous"
        )
    if np.abs(factors.astype(np.float64)).max(initial=0) >= 2.0**63:
        raise ValueError("factors hold numbers above 2^63; give the index of each value")
    factors = factors.astype(np.int64)
    varying = np.ptp(factors, axis=0) > 0
    if not varying.any():
        raise ValueError("no factor has more than one value, so there is nothing to tell apart")
    names = list(factor_names or (f"factor {i}" for i in range(factors.shape[1])))
    if len(names) != factors.shape[1]:
        raise ValueError(f"{len(names)} factor names for {factors.shape[1]} factors")
    used = [name for name, varies in zip(names, varying, strict=True) if varies]
    rows = np.arange(len(codes)) if keep_repeats else first_of_each(codes, factors)
    return Checked(codes[rows], factors[rows], varying, used, len(codes) - len(rows))


def checked_codes(codes: Array, active: Active | None = None) -> Array:
    """Returns codes as float64, fit for a score that asks nothing of the factors.

    Args:
        codes: numbers, [sample, latent].
        active: for each latent whether it counts; one that does not becomes a constant. None: all.

    Raises:
        ValueError: not a table, too few rows, no latent, NaN, not one `active` for each latent, or
            none of them true.
    """
    codes = _numbers(codes)
    if codes.ndim != 2 or len(codes) < FEWEST_ROWS or codes.shape[1] < 1:
        raise ValueError(
            f"codes are {codes.shape}; a score needs [sample, latent], at least {FEWEST_ROWS} "
            f"rows and one latent"
        )
    if not np.isfinite(codes).all():
        raise ValueError(f"{(~np.isfinite(codes)).sum()} codes are NaN or infinite; remove them")
    codes = _without_extremes(codes)
    if active is None:
        return codes
    counts = np.asarray(active)
    if counts.dtype != bool or counts.shape != codes.shape[1:]:
        raise ValueError(
            f"active is {counts.dtype} of shape {counts.shape}; give True or False for each of "
            f"the {codes.shape[1]} latents"
        )
    return np.where(counts, codes, 0.0)


def numbered(factors: Any) -> Array:
    """Returns factors as numbers: words and truth values as the index of each value.

    Args:
        factors: [sample, factor], a list, a data frame, an array or a tensor.

    Raises:
        ValueError: a value is missing, masked, or of a kind that is no factor.
    """
    table = plain_array(factors)
    if table.dtype.kind in "iuf" or table.ndim != 2 or not table.size:
        return table
    return np.column_stack([_numbered_column(column) for column in table.T])


def _numbered_column(column: Array) -> Array:
    factor = factor_of(column)
    return factor.values if factor.numeric else factor.index


def _numbers(codes: Any) -> Array:
    table = plain_array(codes)
    if table.dtype.kind not in "biufO":
        raise ValueError(f"codes are {table.dtype}; give numbers")
    try:
        return table.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError("codes hold values that are no numbers; give numbers") from None


def _without_extremes(codes: Array) -> Array:
    """Brings latents whose squares would overflow or vanish to the order of 1, digit by digit."""
    exponent = np.frexp(np.abs(codes).max(axis=0))[1]
    return np.ldexp(codes, np.where(np.abs(exponent) > LARGEST_EXPONENT, -exponent, 0))


def first_of_each(codes: Array, factors: Array) -> Int[np.ndarray, " kept"]:
    """Returns the rows that repeat the code and the factors of no earlier row.

    All rows, where no latent has more than 4 sqrt(n) values: equal rows of a code of few values are
    different images that look alike. So are rows in which each latent has a value that more than
    sqrt(n) rows share, as the 0 of a sparse code is. All rows, too, where fewer than `FEWEST_ROWS`
    would be left.
    """
    every = np.arange(len(codes))
    # equal rows have equal sums, so where all sums differ, so do all rows
    if len(np.unique(codes.sum(axis=1))) == len(codes):
        return every
    alone = np.zeros(len(codes), dtype=bool)
    for column in codes.T:
        _, value, times = np.unique(column, return_inverse=True, return_counts=True)
        if len(times) > MANY_VALUES * np.sqrt(len(codes)):
            alone |= times[value] <= np.sqrt(len(codes))
    rows = np.hstack([codes + 0.0, factors])  # -0 and 0 then have the same bytes
    seen = {rows[place].tobytes(): place for place in reversed(np.flatnonzero(alone))}
    first = np.union1d(list(seen.values()), np.flatnonzero(~alone)).astype(np.int64)
    return first if len(first) >= FEWEST_ROWS else every


def described(images: int, repeats: int) -> str:
    """Returns the number of images in words, and how many rows were left out as repeats."""
    return f"{images} images" + (f", {repeats} repeats left out" if repeats else "")
