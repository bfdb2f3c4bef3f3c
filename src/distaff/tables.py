"""Tables of numbers from a person's own files."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from distaff.errors import DataError, UsageError
from distaff.score import Array


class Table(NamedTuple):
    """A table of numbers with the names of its columns, where the file names them."""

    values: Array
    names: tuple[str, ...] | None


def read_table(path: Path) -> Table:
    """Reads a table of numbers, a row for each image.

    Args:
        path: a `.npy` array, an `.npz` with a single array, a `.csv` with or without a line of
            names, or a `.parquet` file (with the extra `distaff[parquet]`).

    Raises:
        DataError: the file is missing, cannot be read, or holds something else than numbers.
        UsageError: another kind of file.
    """
    readers = {".npy": _npy, ".npz": _npz, ".csv": _csv, ".parquet": _parquet}
    if path.suffix not in readers:
        raise UsageError(f"{path} is none of {', '.join(readers)}; save the table as one of these.")
    if not path.is_file():
        raise DataError(f"no file {path}; give a table with a row for each image.")
    try:
        table = readers[path.suffix](path)
    except (ValueError, OSError, EOFError, csv.Error) as error:
        raise DataError(f"{path} is not a readable table of numbers ({error}).") from None
    if table.values.ndim != 2 or not np.issubdtype(table.values.dtype, np.number):
        shape, kind = table.values.shape, table.values.dtype
        raise DataError(f"{path} holds {kind} of shape {shape}; give a table of numbers.")
    return table


def _npy(path: Path) -> Table:
    return Table(np.load(path, allow_pickle=False), None)


def _npz(path: Path) -> Table:
    with np.load(path, allow_pickle=False) as file:
        if len(file.files) != 1:
            raise ValueError(
                f"it holds {len(file.files)} arrays, {', '.join(file.files)}; keep one"
            )
        return Table(file[file.files[0]], None)


def _csv(path: Path) -> Table:
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows:
        raise ValueError("it is empty")
    named = not all(_is_number(cell) for cell in rows[0])
    values = np.array([[float(cell) for cell in row] for row in rows[named:]])
    return Table(values, tuple(cell.strip() for cell in rows[0]) if named else None)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parquet(path: Path) -> Table:
    from pyarrow import parquet

    table = parquet.read_table(path)
    return Table(np.column_stack(table.columns), tuple(table.column_names))
