"""Files that a docstring or a page sends its reader to are there."""

import re
from pathlib import Path

import pytest
from pages_of_docs import DOCS

ROOT = DOCS.parent
SOURCE = ROOT / "src" / "distaff"
TEXTS = [
    path
    for folder in ("src", "docs")
    for ending in ("*.py", "*.md", "*.typ")
    for path in sorted((ROOT / folder).rglob(ending))
    if path.name != "extend.md"  # whose files the reader makes
]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_files_that_a_text_names_exist(path: Path) -> None:
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", path.read_text("utf-8")))
    assert [name for name in named if not any((p / name).is_file() for p in (ROOT, SOURCE))] == []
