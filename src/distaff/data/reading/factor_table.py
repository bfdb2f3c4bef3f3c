"""Factors from columns of numbers or words."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float64, Int32
from torch import Tensor

from distaff.arrays import Array
from distaff.data.reading.untrusted import as_numbers, read_rows, reader_errors_as_data_errors
from distaff.errors import DataError


class FactorTable(NamedTuple):
    """Factors of a set in the form in which `FactorDataset` holds them."""

    factors: Int32[Tensor, "sample factor"]
    values: Float64[Tensor, "sample factor"]
    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]


def factor_table(columns: Mapping[str, Array], count: int) -> FactorTable:
    """Numbers the distinct values of each column from the smallest, or the first in the alphabet.

    Args:
        columns: `count` numbers or words by name of the factor; none gives a set without factors.
        count: number of images.

    Returns:
        The numbers of the values, and the values: of a word, again its number.
    """
    factors = np.zeros((count, len(columns)), np.int32)
    values = np.zeros((count, len(columns)))
    sizes = []
    for place, column in enumerate(columns.values()):
        kinds, factors[:, place] = np.unique(column, return_inverse=True)
        values[:, place] = factors[:, place] if column.dtype.kind == "U" else column
        sizes.append(len(kinds))
    return FactorTable(
        torch.from_numpy(factors), torch.from_numpy(values), tuple(columns), tuple(sizes)
    )


def read_factors(path: Path, files: Sequence[str]) -> dict[str, Array]:
    """Returns the columns of a CSV file, in the order of the files.

    Args:
        path: a file whose first line names the columns and whose first column names the files.
        files: every file of the set, each of which has one row.

    Raises:
        DataError: the file is missing or damaged, or its rows are not those of the files.
    """
    if not path.is_file():
        raise DataError(f"no file {path}; give a CSV file with a row for each picture.")
    with reader_errors_as_data_errors(path, "CSV file of factors"):
        names, *body = read_rows(path)
    names = [name.strip() for name in names]
    words = [name for name in set(names[1:]) if name and name.isprintable()]
    if not 0 < len(words) == len(names) - 1:
        raise DataError(
            f"{path} names the columns {', '.join(names)!r:.80}; its first line takes a name for "
            f"the files and a different one for each factor."
        )
    cells = _by_file(path, body, len(names))
    _check_files(path, cells, files)
    return {
        name: _column(path, name, [cells[file][place] for file in files])
        for place, name in enumerate(names[1:])
    }


def _by_file(path: Path, rows: list[list[str]], width: int) -> dict[str, list[str]]:
    cells: dict[str, list[str]] = {}
    for row in rows:
        file = PurePosixPath(row[0].strip()).as_posix()
        if len(row) != width or not all(cell.strip() for cell in row):
            raise DataError(
                f"{path} has the row {','.join(row)!r:.80} where {width} cells are named; fill in "
                f"every cell."
            )
        if file in cells:
            raise DataError(f"{path} has two rows for {file!r:.80}; keep one.")
        cells[file] = [cell.strip() for cell in row[1:]]
    return cells


def _check_files(path: Path, cells: Mapping[str, object], files: Sequence[str]) -> None:
    unknown = sorted(cells.keys() - set(files))
    missing = sorted(set(files) - cells.keys())
    rows = f"{path} has {len(cells)} rows for {len(files)} pictures"
    if unknown:
        raise DataError(
            f"{rows}: there is no picture {unknown[0]!r:.80}; name the files from their folder on."
        )
    if missing:
        raise DataError(f"{rows}: {missing[0]!r} has none; give a row for each picture.")


def _column(path: Path, name: str, cells: list[str]) -> Array:
    numbers = as_numbers(cells)
    if numbers is None:
        return np.array(cells)
    if not np.isfinite(numbers).all():
        raise DataError(f"{name!r:.80} in {path} has a number that is not finite; give another.")
    return np.array(numbers)
