"""Tables of numbers from a person's own files."""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from distaff.arrays import Array
from distaff.data.reading.array_files import read_npy, read_npz
from distaff.data.reading.untrusted import (
    as_numbers,
    check_memory,
    read_rows,
    reader_errors_as_data_errors,
)
from distaff.errors import DataError, UsageError


class NumericTable(NamedTuple):
    """A table of numbers with the names of its columns, where the file names them."""

    values: Array
    names: tuple[str, ...] | None


def read_table(path: Path) -> NumericTable:
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
    with reader_errors_as_data_errors(path, "table of numbers"):
        table = readers[path.suffix](path)
    if table.values.ndim != 2 or not np.issubdtype(table.values.dtype, np.number):
        shape, kind = table.values.shape, table.values.dtype
        raise DataError(f"{path} holds {kind} of shape {shape}; give a table of numbers.")
    return table


def _npy(path: Path) -> NumericTable:
    return NumericTable(read_npy(path), None)


def _npz(path: Path) -> NumericTable:
    arrays = read_npz(path)
    if len(arrays) != 1:
        raise ValueError(f"it holds {len(arrays)} arrays, {', '.join(arrays)}; keep one")
    (values,) = arrays.values()
    return NumericTable(values, None)


def _csv(path: Path) -> NumericTable:
    rows = read_rows(path)
    named = as_numbers(rows[0]) is None
    values = np.array([[float(cell) for cell in row] for row in rows[named:]])
    return NumericTable(values, tuple(cell.strip() for cell in rows[0]) if named else None)


def _parquet(path: Path) -> NumericTable:
    if find_spec("pyarrow") is None:
        raise UsageError(f"{path} needs pyarrow, which is not installed; install distaff[parquet].")
    from pyarrow import parquet, types

    file = parquet.ParquetFile(path)
    if not all(map(types.is_primitive, file.schema_arrow.types)):
        raise ValueError("it has columns that are no numbers")
    # a column can repeat a number as often as it likes in few bytes
    size = 8 * file.metadata.num_rows * file.metadata.num_columns
    check_memory(size, str(path), "keep fewer rows")
    table = file.read()
    return NumericTable(np.column_stack(table.columns), tuple(table.column_names))
