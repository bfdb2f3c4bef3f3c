"""Tables of text: CSV with any separator, and the attribute file of CelebA."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from distaff.errors import DataError
from distaff.factors import PLAIN, all_numbers

MOST_BYTES = 2**28
"""Of a table of text; larger ones are better kept as .npy or .parquet."""
MOST_COLUMNS = 4_096
SEPARATORS = (";", "\t", "|", ",")
"""In the order in which they are tried: a comma also stands in numbers."""
SEEN = 200
"""Rows that show which separator a file has."""


class TextTable(NamedTuple):
    """The cells of a table, without spaces around them."""

    names: tuple[str, ...] | None
    """Of the columns, where the first line names them."""
    rows: list[list[str]]
    notes: tuple[str, ...] = ()
    """What was left out or understood in a way that the user may not expect."""

    def column(self, place: int) -> list[str]:
        """Returns the cells of a column."""
        return [row[place] for row in self.rows]


def read_text_table(path: Path) -> TextTable:
    """Reads a table of text.

    The separator is found by itself: a semicolon, tab, bar or comma that gives every row the same
    number of cells. With another separator than a comma, numbers may have a decimal comma. The
    first line names the columns where one of its cells is no number, and where it counts 0, 1, 2, …
    above fractions, as pandas writes it. A first column without a name that counts the rows, or a
    nameless one that does, is the index of a data frame and is left out.

    Raises:
        DataError: the file is too large, of another encoding, ragged, or can be understood in more
            than one way.
    """
    lines = _lines(path)
    celeba = _celeba(lines)
    if celeba:
        return celeba
    separator = _separator(lines[:SEEN], path)
    rows = [row for row in csv.reader(lines, delimiter=separator) if any(c.strip() for c in row)]
    rows = [[cell.strip() for cell in row] for row in rows]
    if not rows:
        raise DataError(f"{path} is empty; give a table with a row for each image.")
    width = len(rows[0])
    if width > MOST_COLUMNS:
        raise DataError(f"{path} has {width:,} columns; give at most {MOST_COLUMNS:,}.")
    for place, row in enumerate(rows):
        if len(row) != width:
            raise DataError(
                f"{path} has {len(row)} cells in row {place + 1} and {width} in the first; give "
                f"every row as many, between {separator!r}."
            )
    if separator != ",":
        rows = _with_decimal_points(rows)
    named = _is_header(rows, path)
    names = tuple(rows[0]) if named else None
    return _without_index(TextTable(names, rows[1:] if named else rows), path)


def _lines(path: Path) -> list[str]:
    size = path.stat().st_size
    if not path.is_file() or size > MOST_BYTES:
        raise DataError(
            f"{path} has {size:,} bytes, and at most {MOST_BYTES:,} of text are read; save the "
            f"table as .npy or .parquet."
        )
    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} is UTF-16; save it as CSV UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 ({error.reason} at byte {error.start:,}); save it as CSV UTF-8."
        ) from None
    if "\0" in text:
        raise DataError(f"{path} is no text, since it holds NUL; save it as CSV UTF-8.")
    return [line for line in text.splitlines() if line.strip()]


def _separator(lines: Sequence[str], path: Path) -> str:
    for separator in SEPARATORS:
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=separator)}
        except csv.Error as error:
            raise DataError(f"{path} is no table of text ({error}); save it as CSV.") from None
        if len(widths) == 1 and widths != {1}:
            return separator
    return ","


def _with_decimal_points(rows: list[list[str]]) -> list[list[str]]:
    """Returns the rows with 0.5 for 0,5 in the columns whose cells are all such numbers."""
    result = [list(row) for row in rows]
    body = rows[1:] or rows
    for place in range(len(rows[0])):
        cells = [row[place] for row in body]
        pointed = [cell.replace(",", ".") for cell in cells]
        if (
            any("," in c for c in cells)
            and not any("." in c for c in cells)
            and all(PLAIN.fullmatch(c) for c in pointed)
        ):
            for row in result:
                row[place] = row[place].replace(",", ".")
    return result


def _is_header(rows: list[list[str]], path: Path) -> bool:
    first, body = rows[0], rows[1:]
    words = [place for place, cell in enumerate(first) if not all_numbers([cell])]
    if words:
        again = [first[p] for p in words if first[p] and any(row[p] == first[p] for row in body)]
        if again:
            raise DataError(
                f"{again[0]!r:.40} in the first line of {path} stands below it too, so that the "
                f"line can be a row; put a line with the names of the columns above it."
            )
        return True
    counts = [str(place) for place in range(len(first))]
    if len(first) < 2 or first != counts or not body:
        return False
    if any("." in cell for row in body[:SEEN] for cell in row):
        return True
    raise DataError(
        f"the first line of {path} is {', '.join(first[:5])}, which can name the columns or be a "
        f"row; give the columns names, or save the table as .npy."
    )


def _without_index(table: TextTable, path: Path) -> TextTable:
    """Leaves out the index that a data frame was saved with."""
    nameless = table.names is not None and table.names[0].lower() in ("", "unnamed: 0")
    wide = len(table.rows[0]) > 1 if table.rows else False
    if not wide or not (nameless or table.names is None):
        return table
    first = table.column(0)
    counting = any(first == [str(i + begin) for i in range(len(first))] for begin in (0, 1))
    if not counting and not nameless:
        return table
    if not counting:
        raise DataError(f"the first column of {path} has no name; give it one, or leave it out.")
    names = None if table.names is None else table.names[1:]
    rows = [row[1:] for row in table.rows]
    return TextTable(names, rows, ("the first column counts the rows and is left out",))


def _celeba(lines: Sequence[str]) -> TextTable | None:
    """The attribute file of CelebA: the number of rows, the names, and rows after a file's name."""
    if len(lines) < 3 or not lines[0].strip().isdecimal():
        return None
    names, first = lines[1].split(), lines[2].split()
    if int(lines[0]) != len(lines) - 2 or len(first) != len(names) + 1:
        return None
    return TextTable(("file", *names), [line.split() for line in lines[2:]])
