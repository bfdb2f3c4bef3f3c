"""What several scores ask for, remembered for a while."""

from collections.abc import Callable
from hashlib import blake2b

import numpy as np

from distaff.arrays import Array

MOST_BYTES = 2**26


def remembered(purpose: str, arrays: tuple[Array, ...], compute: Callable[[], Array]) -> Array:
    """Returns what `compute` makes of the arrays, from the cache where it has it.

    The value, chance and halves of several scores ask for the same normal scores and the same
    regressions. The latest answers are kept, 64 MiB of them, and the last whatever its size. They
    are known by the contents of the arrays and cannot be written to.

    Args:
        purpose: what is computed, with all settings.
        arrays: all that the answer depends on besides.
        compute: returns the answer.
    """
    contents = blake2b(purpose.encode())
    for array in arrays:
        contents.update(repr((array.shape, array.dtype.str)).encode())
        contents.update(np.ascontiguousarray(array).data)
    key = contents.digest()
    answer = _kept.pop(key) if key in _kept else compute()
    answer.flags.writeable = False
    _kept[key] = answer  # the latest comes last
    while len(_kept) > 1 and sum(kept.nbytes for kept in _kept.values()) > MOST_BYTES:
        del _kept[next(iter(_kept))]
    return answer


_kept: dict[bytes, Array] = {}
