"""A factor as people have it: numbers, words or truth values of some images."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from distaff.arrays import Array

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?", "-", "#n/a"))
"""What stands in a table where a value is unknown, in small letters."""
INFINITE = frozenset(("inf", "infinity"))
PLAIN = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d*)?|[+-]?\.\d+")
"""A number; not one with a zero before it, which is the name of something."""
SCIENTIFIC = re.compile(r"[+-]?(\d\.\d*|\d)[eE][+-]?\d{1,3}")
LARGEST_WHOLE = 2**53
"""Up to which every whole number is a number of double precision."""
MOST_NAMED = 1_000
"""Values of a factor whose names are kept."""


@dataclass(frozen=True)
class Factor:
    """One factor of some images."""

    index: Int64[np.ndarray, " image"]
    """Which of its values an image has, from 0, in the order of the values."""
    values: Float64[np.ndarray, " image"]
    """The value, where it is a number; of a word its index."""
    names: tuple[str, ...]
    """The distinct values in their order; () where there are too many to name."""
    kind: Literal["discrete", "continuous"]
    """Continuous: fractions, of which hardly any occurs twice."""
    numeric: bool
    """Whether its values are numbers."""

    @property
    def size(self) -> int:
        """Number of distinct values."""
        return int(self.index.max()) + 1

    def __str__(self) -> str:
        """What was understood, in a few words."""
        if self.kind == "continuous":
            return "continuous"
        shown = ", ".join(self.names) if 0 < self.size <= 4 else f"{self.size:,} values"
        return shown if self.numeric or self.size <= 4 else f"{self.size:,} words"


def factor_of(column: Any) -> Factor:
    """Returns a factor from a column of numbers, truth values or words.

    Numbers are in their order, words in that of the alphabet, in which 2 comes before 10. Words
    that are all numbers are taken for numbers; 007 and 1_1 are words.

    Args:
        column: a list, an array or a tensor of one dimension.

    Raises:
        ValueError: a value is missing, infinite or of another kind.
    """
    array = plain_array(column)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"it has the shape {array.shape}; give one value for each image")
    if array.dtype.kind == "O":
        array = _of_one_kind(array)
    if array.dtype.kind in "US":
        cells = [str(cell).strip() for cell in array.tolist()]
        return _of_cells(cells)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"it holds {array.dtype}; give numbers, words, or True and False")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(
            f"row {place + 1} is {array[place]}; fill in a finite number, or leave the row out"
        )
    distinct, index = np.unique(array, return_inverse=True)
    names = [_shown(value) for value in distinct.tolist()] if len(distinct) <= MOST_NAMED else []
    return Factor(
        index.reshape(-1).astype(np.int64),
        array.astype(np.float64),
        tuple(names),
        _kind(distinct, len(array)),
        numeric=array.dtype.kind != "b",
    )


class FactorArrays(NamedTuple):
    """Factors as scores take them."""

    table: Array
    """[image, factor]: whole numbers; of a continuous factor the values."""
    names: list[str]
    kinds: list[str]


def factor_arrays(factors: Mapping[str, Factor], kinds: Mapping[str, str]) -> FactorArrays:
    """Returns factors as scores take them.

    Args:
        factors: by name.
        kinds: of some of them, where they are not what the values look like.
    """
    columns = []
    found = {name: kinds.get(name, factor.kind) for name, factor in factors.items()}
    for name, factor in factors.items():
        whole = factor.numeric and bool((factor.values == np.round(factor.values)).all())
        kept = whole and bool(np.abs(factor.values).max() < LARGEST_WHOLE)
        columns.append(factor.values if kept or found[name] == "continuous" else factor.index)
    return FactorArrays(np.column_stack(columns), list(found), list(found.values()))


def plain_array(values: Any) -> Array:
    """Returns a NumPy array of a list, a data frame, an array, or a tensor on any device.

    Raises:
        ValueError: some of its values are masked, or it cannot be one array.
    """
    if hasattr(values, "detach"):  # a tensor; without importing torch, which takes seconds
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
        values = values.resolve_conj().resolve_neg().numpy()
    if np.ma.isMaskedArray(values):
        if np.ma.getmaskarray(values).any():
            raise ValueError("some of its values are masked; leave out these rows")
        values = values.data
    return np.asarray(values)


def _of_one_kind(array: Array) -> Array:
    """Returns an array of Python objects as one of words or numbers."""
    cells = array.tolist()
    for place, cell in enumerate(cells):
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            raise ValueError(f"row {place + 1} has no value; fill it in, or leave it out")
    if all(isinstance(cell, str) for cell in cells):
        return np.array(cells)
    if all(isinstance(cell, (bool, np.bool_)) for cell in cells):
        return np.array(cells, dtype=bool)
    numbers = (int, float, np.integer, np.floating)
    if all(isinstance(cell, numbers) and not isinstance(cell, bool) for cell in cells):
        whole = all(isinstance(cell, (int, np.integer)) for cell in cells)
        small = whole and all(abs(int(cell)) < 2**63 for cell in cells)
        return np.array(cells, dtype=np.int64 if small else np.float64)
    kinds = sorted({type(cell).__name__ for cell in cells})
    raise ValueError(f"it holds values of the kinds {', '.join(kinds)[:80]}; give one kind")


def _of_cells(cells: list[str]) -> Factor:
    for place, cell in enumerate(cells):
        if cell.lower() in MISSING or cell.lower().lstrip("+-") in INFINITE:
            raise ValueError(
                f"row {place + 1} has {cell!r} for a value; fill it in, or leave the row out"
            )
    numbers = [cell for cell in cells if PLAIN.fullmatch(cell) or SCIENTIFIC.fullmatch(cell)]
    others = [cell for cell in cells if not _is_like_a_number(cell)]
    if others and len(numbers) > len(cells) / 2:
        raise ValueError(
            f"it has numbers and {others[0]!r:.40}; give numbers alone, or a word in every row"
        )
    if all_numbers(cells):
        return factor_of(np.array([float(cell) for cell in cells]))
    distinct = sorted(set(cells), key=lambda cell: (_natural(cell), cell))
    places = {word: number for number, word in enumerate(distinct)}
    index = np.array([places[cell] for cell in cells], dtype=np.int64)
    names = tuple(distinct) if len(distinct) <= MOST_NAMED else ()
    return Factor(index, index.astype(np.float64), names, "discrete", numeric=False)


def all_numbers(cells: list[str]) -> bool:
    """Returns whether cells are numbers of which no two different ones become one.

    `1_1`, `007`, numbers of 17 digits, and `12e3` among whole numbers are names.
    """
    plain = [cell for cell in cells if PLAIN.fullmatch(cell)]
    others = [cell for cell in cells if not PLAIN.fullmatch(cell)]
    if any(abs(float(cell)) >= LARGEST_WHOLE for cell in plain if "." not in cell):
        return False
    fractions = any("." in cell for cell in cells)
    return all(SCIENTIFIC.fullmatch(cell) for cell in others) and (not others or fractions)


def _is_like_a_number(cell: str) -> bool:
    return bool(PLAIN.fullmatch(cell) or SCIENTIFIC.fullmatch(cell)) or cell.isdecimal()


def _natural(word: str) -> list[tuple[int, int | str]]:
    """The order of words in which numbers inside of them count as numbers."""
    parts = re.split(r"(\d+)", word)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def _kind(distinct: Array, count: int) -> Literal["discrete", "continuous"]:
    fractions = distinct.dtype.kind == "f" and bool((distinct != np.round(distinct)).any())
    return "continuous" if fractions and len(distinct) > math.sqrt(count) else "discrete"


def _shown(value: object) -> str:
    return str(value) if isinstance(value, (bool, int)) else f"{value:.12g}"
