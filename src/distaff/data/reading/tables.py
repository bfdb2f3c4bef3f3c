"""Tables from a person's own files: codes, which are numbers, and factors, of any kind."""

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from distaff.arrays import Array
from distaff.data.reading.array_files import DENSEST, LARGE, read_npy, read_npz
from distaff.data.reading.text_table import MOST_COLUMNS, read_text_table
from distaff.data.reading.untrusted import check_memory, reader_errors_as_data_errors
from distaff.errors import DataError, UsageError
from distaff.factors import Factor, all_numbers, factor_of
from distaff.text import printable

MOST_FACTORS = 256
LOG = logging.getLogger("distaff")
FILE_NAMES = frozenset(("file", "filename", "file_name", "image", "image_id", "path", "name", "id"))
"""Names of a column that names the rows, where no two of its cells are the same."""


class Table(NamedTuple):
    """Columns of one kind each, as they stand in a file."""

    columns: list[Array]
    """Numbers, truth values, or words as they were read."""
    names: tuple[str, ...] | None
    """Where the file names its columns."""
    notes: tuple[str, ...] = ()


class NumericTable(NamedTuple):
    """A table of numbers with the names of its columns, where the file names them."""

    values: Array
    names: tuple[str, ...] | None


def read_table(path: Path) -> NumericTable:
    """Reads a table of numbers, a row for each image.

    Args:
        path: a `.npy` array, an `.npz` with a single array, a `.csv`, `.tsv` or `.txt` with or
            without a line of names, a `.parquet` file (with the extra `distaff[parquet]`), or a
            `.hdf5` or `.h5` file of one array of two dimensions or an array for each column (with
            the extra `distaff[hdf5]`).

    Raises:
        DataError: the file is missing, cannot be read, or holds something else than numbers.
        UsageError: another kind of file.
    """
    table = _read(path)
    numbers = []
    for place, column in enumerate(table.columns):
        if column.dtype.kind == "U":
            cells = column.tolist()
            if not all_numbers([cell for cell in cells if cell not in ("nan", "inf", "-inf")]):
                wrong = next(cell for cell in cells if not all_numbers([cell]))
                raise DataError(
                    f"{path} holds {wrong!r:.40} in {_title(table, place)}; give a table of "
                    f"numbers."
                )
            column = np.array([float(cell) for cell in cells])
        if column.dtype.kind not in "biuf":
            raise DataError(f"{path} holds {column.dtype}; give a table of numbers.")
        numbers.append(column)
    values = np.column_stack(numbers)
    _tell(path, table, f"{len(values):,} rows of {values.shape[1]} numbers")
    return NumericTable(values, table.names)


def read_factor_table(path: Path) -> dict[str, Factor]:
    """Reads the factors of some images, a row for each image; files as in `read_table`.

    A column that names the rows, such as that of the pictures' files, is left out.

    Raises:
        DataError: the file is missing, cannot be read, has a value missing, or too many columns.
        UsageError: another kind of file.
    """
    table = _read(path)
    if len(table.columns) > MOST_FACTORS:
        raise DataError(f"{path} has {len(table.columns):,} factors; give at most {MOST_FACTORS}.")
    notes = list(table.notes)
    factors = {}
    for place, column in enumerate(table.columns):
        name = table.names[place] if table.names else f"factor {place}"
        if table.names and _names_the_rows(name, column):
            notes.append(f"{name} names the rows and is left out")
            continue
        try:
            factors[name] = factor_of(column)
        except ValueError as error:
            raise DataError(f"{_title(table, place)} of {path}: {error}.") from None
    if not factors:
        raise DataError(f"{path} holds no factor; give a column for each.")
    tell_factors(path, factors, notes)
    return factors


def tell_factors(path: Path, factors: dict[str, Factor], notes: list[str]) -> None:
    """Logs in one line what was understood of a table of factors."""
    rows = len(next(iter(factors.values())).index)
    what = "; ".join(f"{name}: {factor}" for name, factor in list(factors.items())[:12])
    more = f"; and {len(factors) - 12} more" if len(factors) > 12 else ""
    words = f"{rows:,} rows of {len(factors)} factors ({what}{more})"
    _tell(path, Table([], None, tuple(notes)), words)


def _tell(path: Path, table: Table, what: str) -> None:
    LOG.info("%s", printable("; ".join((f"{path}: {what}", *table.notes))))


def _title(table: Table, place: int) -> str:
    return f"column {table.names[place]!r:.80}" if table.names else f"column {place + 1}"


def _names_the_rows(name: str, column: Array) -> bool:
    words = column.dtype.kind in "UO"
    return words and name.lower() in FILE_NAMES and len(set(column.tolist())) == len(column)


def _read(path: Path) -> Table:
    readers = {".npy": _npy, ".npz": _npz, ".parquet": _parquet, ".h5": _hdf5, ".hdf5": _hdf5}
    readers |= dict.fromkeys((".csv", ".tsv", ".txt"), _text)
    if path.suffix not in readers:
        raise UsageError(f"{path} is none of {', '.join(readers)}; save the table as one of these.")
    if not path.is_file():
        raise DataError(f"no file {path}; give a table with a row for each image.")
    with reader_errors_as_data_errors(path, "table"):
        table = readers[path.suffix](path)
    if table.names and len(set(table.names)) < len(table.names):
        twice = next(name for name in table.names if table.names.count(name) > 1)
        raise DataError(f"{path} has two columns of the name {twice!r:.80}; rename one.")
    if table.names and "" in table.names:
        place = table.names.index("") + 1
        raise DataError(f"column {place} of {path} has no name; give it one.")
    return table


def _columns_of(path: Path, array: Array) -> Table:
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size:
        raise DataError(
            f"{path} holds {array.dtype} of shape {array.shape}; give a table with a row for each "
            f"image."
        )
    if array.shape[1] > MOST_COLUMNS:
        raise DataError(f"{path} has {array.shape[1]:,} columns; give at most {MOST_COLUMNS:,}.")
    return Table(list(array.T), None)


def _npy(path: Path) -> Table:
    return _columns_of(path, read_npy(path))


def _npz(path: Path) -> Table:
    arrays = read_npz(path)
    if len(arrays) != 1:
        raise ValueError(f"it holds {len(arrays)} arrays, {', '.join(arrays)}; keep one")
    return _columns_of(path, next(iter(arrays.values())))


def _text(path: Path) -> Table:
    names, rows, notes = read_text_table(path)
    if not rows:
        raise DataError(f"{path} holds no row below its names; give one for each image.")
    return Table([np.array(column) for column in zip(*rows, strict=True)], names, notes)


def _parquet(path: Path) -> Table:
    if find_spec("pyarrow") is None:
        raise UsageError(f"{path} needs pyarrow, which is not installed; install distaff[parquet].")
    from pyarrow import parquet, types

    file = parquet.ParquetFile(path)
    kinds = file.schema_arrow.types
    known = (types.is_primitive, types.is_string, types.is_large_string, types.is_dictionary)
    if not all(any(is_known(kind) for is_known in known) for kind in kinds):
        raise ValueError("it has columns that are neither numbers nor words")
    _check_unpacked(path, 8 * file.metadata.num_rows * file.metadata.num_columns)
    table = file.read()
    kept = [name for name in table.column_names if not name.startswith("__index_level_")]
    columns = [np.asarray(table.column(name).to_numpy()) for name in kept]
    left_out = ("the index of the data frame is left out",) * (len(kept) < table.num_columns)
    return Table(columns, tuple(kept), left_out)


def _hdf5(path: Path) -> Table:
    """One array of two dimensions, or a column in each of several arrays of one length."""
    if find_spec("h5py") is None:
        raise UsageError(f"{path} needs h5py, which is not installed; install distaff[hdf5].")
    import h5py

    with h5py.File(path) as file:
        arrays = {name: file[name] for name in file if _is_plain(file, name)}
        if not arrays or len(arrays) < len(file):
            raise ValueError(
                "its top holds something other than arrays of numbers; keep one array of two "
                "dimensions, or one for each column"
            )
        _check_unpacked(path, sum(8 * array.size for array in arrays.values()))
        read = {name: array[()] for name, array in arrays.items()}
    first = next(iter(read.values()))
    if len(read) == 1 and first.ndim > 1:
        return _columns_of(path, first)
    if {array.shape for array in read.values()} != {(len(first),)} or not len(first):
        raise ValueError("its arrays are not columns of one length, with a row for each image")
    return Table(list(read.values()), tuple(read))


def _is_plain(file: Any, name: str) -> bool:
    """Returns whether part of an HDF5 file is an array of numbers, held in the file itself."""
    import h5py

    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        return False
    found = file[name]
    plain = isinstance(found, h5py.Dataset) and found.ndim and found.dtype.kind in "biuf"
    return bool(plain and not found.is_virtual and not found.external)


def _check_unpacked(path: Path, size: int) -> None:
    """Refuses a table that takes too much memory; a number can be repeated at will in few bytes."""
    check_memory(size, str(path), "keep fewer rows")
    if size > LARGE and size > DENSEST * path.stat().st_size:
        raise ValueError("it unpacks to hundreds of times its size, as only repeated rows do")
