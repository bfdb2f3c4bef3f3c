"""What the pages of the documentation hold: blocks of code, with their language and title."""

import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[1] / "docs"


class Block(NamedTuple):
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    title: str
    code: str
    remark: str
    """The HTML comment above it, without its marks."""


def blocks_of(page: Path) -> list[Block]:
    """Returns the fenced blocks of a page in their order."""
    text = page.read_text("utf-8")
    found = []
    pattern = (
        r"(?:<!-- *(?P<remark>[^\n]*?) *-->\n)?^```(?P<language>\w*)"
        r"(?: title=\"(?P<title>[^\"]*)\")?\n(?P<code>.*?)^```$"
    )
    for match in re.finditer(pattern, text, re.M | re.S):
        line = text.count("\n", 0, match.start()) + 1
        language, title, code, remark = match.group("language", "title", "code", "remark")
        found.append(Block(page, line, language, title or "", code, remark or ""))
    return found
