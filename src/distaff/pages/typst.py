"""Typst source to PDF and HTML: one source, two forms."""

from pathlib import Path
from typing import Literal

import typst

from distaff.errors import RunError
from distaff.files import atomic_write


def typeset(source: Path) -> tuple[Path, Path]:
    """Writes the PDF and the HTML page of a Typst file beside it.

    Args:
        source: the Typst file; what it reads lies in its folder.

    Returns:
        Paths of the PDF and of the page.

    Raises:
        RunError: the source has a mistake, reads a file that is missing, or the folder cannot be
            written to.
    """
    return _compiled(source, "pdf"), _compiled(source, "html")


def _compiled(source: Path, form: Literal["pdf", "html"]) -> Path:
    path = source.with_suffix(f".{form}")
    try:
        # no date in the file: the same results give the same bytes
        content = typst.compile(source, root=source.parent, format=form, timestamp=0)
    except typst.TypstError as error:
        raise RunError(f"{source} cannot be typeset: {error}.") from None
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return path
