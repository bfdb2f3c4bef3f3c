"""Factors of the pictures of a folder, and of arrays, as a data set holds them."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float64, Int32
from torch import Tensor

from distaff.data.reading.tables import MOST_FACTORS, tell_factors
from distaff.data.reading.text_table import TextTable, read_text_table
from distaff.data.reading.untrusted import reader_errors_as_data_errors
from distaff.errors import DataError
from distaff.factors import Factor, factor_of


class FactorTable(NamedTuple):
    """Factors of a set in the form in which `FactorDataset` holds them."""

    factors: Int32[Tensor, "sample factor"]
    values: Float64[Tensor, "sample factor"]
    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]
    factor_kinds: tuple[str, ...]
    value_names: tuple[tuple[str, ...], ...]


def factor_table(factors: Mapping[str, Factor], count: int) -> FactorTable:
    """Returns factors as columns of tables.

    Args:
        factors: of `count` images, by name; none gives a set without factors.
        count: number of images.
    """
    index = [factor.index.astype(np.int32) for factor in factors.values()]
    values = [factor.values for factor in factors.values()]
    kinds = tuple(factor.kind for factor in factors.values())
    return FactorTable(
        torch.from_numpy(np.column_stack(index) if index else np.zeros((count, 0), np.int32)),
        torch.from_numpy(np.column_stack(values) if values else np.zeros((count, 0))),
        tuple(factors),
        tuple(factor.size for factor in factors.values()),
        kinds if "continuous" in kinds else (),
        tuple(factor.names for factor in factors.values()),
    )


def read_factors(path: Path, files: Sequence[str]) -> dict[str, Factor]:
    """Returns the factors of a table of text, in the order of the files.

    Args:
        path: a table whose first line names the columns and whose first column names the files, or
            the attribute file of CelebA.
        files: every file of the set, each of which has one row; rows of others are passed over.

    Raises:
        DataError: the file is missing or damaged, or lacks a row, a value or a name.
    """
    if not path.is_file():
        raise DataError(f"no file {path}; give a CSV file with a row for each picture.")
    with reader_errors_as_data_errors(path, "table of factors"):
        table = read_text_table(path)
    names = table.names or ()
    words = {name for name in names[1:] if name}
    if not 0 < len(words) == len(names) - 1 <= MOST_FACTORS:
        raise DataError(
            f"{path} names {len(words)} factors in {len(names)} columns; its first line takes a "
            f"name for the files and a different one for each factor, {MOST_FACTORS} at most."
        )
    cells = _by_file(path, table)
    notes = _check_files(path, cells, files)
    factors = {}
    for place, name in enumerate(names[1:], start=1):
        try:
            factors[name] = factor_of([cells[file][place] for file in files])
        except ValueError as error:
            raise DataError(f"column {name!r:.80} of {path}: {error}.") from None
    tell_factors(path, factors, [*table.notes, *notes])
    return factors


def _by_file(path: Path, table: TextTable) -> dict[str, list[str]]:
    cells: dict[str, list[str]] = {}
    for row in table.rows:
        file = PurePosixPath(row[0].replace("\\", "/")).as_posix()
        if file in cells:
            raise DataError(f"{path} has two rows for {file!r:.80}; keep one.")
        cells[file] = row
    return cells


def _check_files(path: Path, cells: Mapping[str, object], files: Sequence[str]) -> list[str]:
    missing = sorted(set(files) - cells.keys())
    if missing:
        raise DataError(
            f"{path} has {len(cells):,} rows for {len(files):,} pictures: {missing[0]!r:.80} has "
            f"none; give a row for each picture, which names it from the folder on."
        )
    unknown = len(cells) - len(files)
    return [f"{unknown:,} rows of other pictures are passed over"] if unknown else []
