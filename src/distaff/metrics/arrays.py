"""What every score asks of its arrays."""

from collections.abc import Sequence

import numpy as np

from distaff.score import Array

FEWEST_ROWS = 100


def checked(
    codes: Array, factors: Array, factor_names: Sequence[str] | None
) -> tuple[Array, Array, Array, list[str]]:
    """Returns codes and factors fit for a score.

    Args:
        codes: numbers, [sample, latent].
        factors: whole numbers, [sample, factor].
        factor_names: a name for each factor, or None.

    Returns:
        codes as float64; factors as int64; which factors have more than one value; their names.

    Raises:
        ValueError: what is wrong with the arrays and what would be right.
    """
    codes, factors = np.asarray(codes, dtype=np.float64), np.asarray(factors)
    if codes.ndim != 2 or factors.ndim != 2 or len(codes) != len(factors):
        raise ValueError(
            f"codes are {codes.shape} and factors {factors.shape}; give two tables with a row "
            f"for each image, [sample, latent] and [sample, factor]"
        )
    codes = checked_codes(codes)
    if not np.array_equal(factors, np.round(factors)):
        raise ValueError("factors must be whole numbers, the index of each value")
    varying = np.ptp(factors, axis=0) > 0
    if not varying.any():
        raise ValueError("no factor has more than one value, so there is nothing to tell apart")
    names = list(factor_names or (f"factor {i}" for i in range(factors.shape[1])))
    if len(names) != factors.shape[1]:
        raise ValueError(f"{len(names)} factor names for {factors.shape[1]} factors")
    used = [name for name, varies in zip(names, varying, strict=True) if varies]
    return codes, factors.astype(np.int64), varying, used


def checked_codes(codes: Array) -> Array:
    """Returns codes as float64, fit for a score that asks nothing of the factors.

    Raises:
        ValueError: not a table, too few rows, no latent, NaN.
    """
    codes = np.asarray(codes, dtype=np.float64)
    if codes.ndim != 2 or len(codes) < FEWEST_ROWS or codes.shape[1] < 1:
        raise ValueError(
            f"codes are {codes.shape}; a score needs [sample, latent], at least {FEWEST_ROWS} "
            f"rows and one latent"
        )
    if not np.isfinite(codes).all():
        raise ValueError(f"{(~np.isfinite(codes)).sum()} codes are NaN or infinite; remove them")
    return codes
