"""Text of unknown origin, such as the name of a file or a factor, made fit to be shown."""

import unicodedata

ACTING = ("Cc", "Cs", "Zl", "Zp")
"""Categories of Unicode that act instead of showing: control characters, halves of characters,
separators of lines and paragraphs."""
TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of what follows, and so what a reader takes it for."""


def printable(text: object, *, keep: str = "") -> str:
    r"""Returns a text that only shows: whatever would act on a terminal or page is escaped.

    `printable("a\x1b[2Jb")` is `a\x1b[2Jb` in plain characters.

    Args:
        text: shown by `str`.
        keep: characters that are wanted, such as the end of a line.
    """
    shown = str(text)
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(
        char if char in keep or not _acts(char) else char.encode("unicode_escape").decode()
        for char in shown
    )


def _acts(char: str) -> bool:
    return char in TURNING or unicodedata.category(char) in ACTING
