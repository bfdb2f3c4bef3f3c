"""Text of unknown origin shows and does nothing else."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distaff.text import printable


@given(st.text(st.characters(codec=None, categories=None)))
def test_nothing_is_left_that_acts(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")


@pytest.mark.parametrize("text", ["length [mm]", ":smile:", "$\\frac{$", "Käse", "東京", "<b>"])
def test_what_only_shows_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\0b", r"a\x00b"),
        ("a\nb", r"a\nb"),
        ("a\u202eb", r"a\u202eb"),
        ("a\ud800b", r"a\ud800b"),
        ("a\x9bb", r"a\x9bb"),
    ],
)
def test_what_acts_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable("a\nb", keep="\n") == "a\nb"
