"""Where the random numbers of the scores come from."""

from zlib import crc32

import numpy as np


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Returns the random numbers of one purpose.

    Whoever makes codes or factors with `np.random.default_rng(seed)` and scores them with the same
    seed must not meet the same numbers again: noise that breaks ties would then follow the factors.
    So the seed is joined to a constant of the purpose, and two purposes share nothing either.

    Args:
        seed: at least 0.
        purpose: a name, the same at each call for the same purpose.
    """
    return np.random.default_rng([seed, crc32(purpose.encode())])
