"""Tables of text, as pandas, Excel and CelebA's authors write them."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from distaff.cli import main
from distaff.data.reading.tables import read_factor_table, read_table
from distaff.data.reading.text_table import MOST_BYTES, read_text_table
from distaff.errors import DataError

BODY = [["0.5", "1.25"], ["0.25", "2.5"], ["1.75", "0.125"]]
NUMBERS = np.array(BODY, dtype=float)


def text_of(separator: str, names: list[str] | None = None, *, comma: bool = False) -> str:
    rows = ([names] if names else []) + BODY
    cells = [[cell.replace(".", ",") if comma else cell for cell in row] for row in rows]
    return "\n".join(separator.join(row) for row in cells) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        text_of(","),
        text_of(",", ["a", "b"]),
        text_of(";", ["a", "b"]),
        text_of("\t", ["a", "b"]),
        text_of("|", ["a", "b"]),
        text_of(";", ["a", "b"], comma=True),
        text_of("\t", comma=True),
        text_of(",", ["0", "1"]),
        "\ufeff" + text_of(",", ["a", "b"]),
        text_of(",", ["a", "b"]).replace("\n", "\r\n"),
        ",a,b\n" + "\n".join(f"{i},{','.join(row)}" for i, row in enumerate(BODY)),
        ",0,1\n" + "\n".join(f"{i},{','.join(row)}" for i, row in enumerate(BODY)),
        "Unnamed: 0,a,b\n" + "\n".join(f"{i},{','.join(row)}" for i, row in enumerate(BODY)),
        "\n".join(f"{i},{','.join(row)}" for i, row in enumerate(BODY)),
    ],
)
def test_the_same_numbers_come_of_every_way_to_write_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text, "utf-8")
    assert read_table(tmp_path / "x.csv").values.tolist() == NUMBERS.tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16; save it as CSV UTF-8"),
        ("Größe,b\n1,2\n".encode("latin-1"), "is not UTF-8"),
        (b"a\0b,c\n1,2\n", "holds NUL"),
        (b"a,a\n1,2\n", "two columns of the name 'a'"),
        (b"a,,b\n1,2,3\n", "column 2 .* has no name"),
        (b",a\n7,2\n9,3\n", "first column .* has no name"),
        (b"0,1,2\n1,0,2\n2,1,1\n", "can name the columns or be a row"),
        (b"cat,1\ndog,2\ncat,3\n", "'cat' in the first line .* stands below it too"),
        (b"a,b\n1,NA\n", "column 'b' .* row 1 has 'NA'"),
        (b"a,b\n", "holds no row"),
        (b"", "is empty"),
        (b"a,b\n1," + b"2" * 200_000, "is no table of text"),
        (b"a,b\n1,1+2j\n2,2\n3,3\n", "numbers and '1\\+2j'"),
        (b"\n".join([b",".join([b"1"] * 5_000)] * 2), "5,000 columns"),
    ],
)
def test_what_can_be_misunderstood_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_factor_table(tmp_path / "x.csv")


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "x.csv").open("wb") as file:
        file.truncate(30 * 2**30)
    with pytest.raises(DataError, match=f"at most {MOST_BYTES:,} of text"):
        read_text_table(tmp_path / "x.csv")


def test_as_many_factors_as_no_one_has_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 20_000), np.int8))
    with pytest.raises(DataError, match="20,000"):
        read_factor_table(tmp_path / "x.npy")


def test_a_column_of_files_and_a_vector_are_understood(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "x.csv").write_text("file,kind,smiling\na.png,cat,True\nb.png,dog,False\n")
    with caplog.at_level(logging.INFO, "distaff"):
        factors = read_factor_table(tmp_path / "x.csv")
    assert {name: factor.index.tolist() for name, factor in factors.items()} == {
        "kind": [0, 1],
        "smiling": [1, 0],
    }
    (said,) = caplog.messages
    assert "2 rows of 2 factors (kind: cat, dog; smiling: False, True)" in said
    assert "file names the rows and is left out" in said
    np.save(tmp_path / "y.npy", np.array([3, 1, 3]))
    assert read_factor_table(tmp_path / "y.npy")["factor 0"].names == ("1", "3")


def test_the_attribute_file_of_celeba_is_read_as_it_is(tmp_path: Path) -> None:
    text = "2\nBald Male \n000001.jpg -1  1\n000002.jpg  1 -1\n"
    (tmp_path / "list_attr_celeba.txt").write_text(text)
    factors = read_factor_table(tmp_path / "list_attr_celeba.txt")
    assert {name: factor.values.tolist() for name, factor in factors.items()} == {
        "Bald": [-1, 1],
        "Male": [1, -1],
    }


def test_continuous_factors_are_scored_by_themselves_and_by_a_flag(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    factors = generator.uniform(-1, 1, (600, 2))
    np.save(tmp_path / "z.npy", factors + 0.05 * generator.normal(size=factors.shape))
    np.savetxt(tmp_path / "f.csv", factors, delimiter=",", header="x,y", comments="")
    words = ["evaluate", "--codes", str(tmp_path / "z.npy"), "--factors", str(tmp_path / "f.csv")]
    assert main([*words, "--json"]) == 0
    by_itself = json.loads(capsys.readouterr().out)
    assert by_itself["mutual-information-gap"]["value"] > 0.8
    assert main([*words, "--json", "--kinds", "x=continuous", "y=continuous"]) == 0
    assert json.loads(capsys.readouterr().out) == by_itself
    assert main([*words, "--kinds", "z=continuous"]) == 2
    assert "NAME one of x, y" in capsys.readouterr().err


def test_one_bad_factor_does_not_cost_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    factors = generator.integers(0, 4, (300, 2))
    once, same = np.zeros((300, 1), int), np.full((300, 1), 7)
    once[5] = 1
    codes = factors + 0.05 * generator.normal(size=factors.shape)
    np.save(tmp_path / "z.npy", np.hstack([codes, codes[:, :1]]))
    table = np.hstack([factors, once, np.arange(300)[:, None], same])
    names = "a,b,bald,number,same"
    np.savetxt(tmp_path / "f.csv", table, "%d", delimiter=",", header=names, comments="")
    words = ["evaluate", "--codes", str(tmp_path / "z.npy"), "--factors", str(tmp_path / "f.csv")]
    words += ["--metrics", "mutual-information-gap", "sap", "partition-score"]
    assert main([*words, "--json"]) == 0
    said = capsys.readouterr()
    scores = json.loads(said.out)
    assert set(scores) == {"mutual-information-gap", "sap"}
    assert set(scores["mutual-information-gap"]["parts"]) - {"dead latents"} == {"a", "b"}
    assert "left out: bald, of which no two values occur twice" in said.err
    assert "number, of which each image has another value" in said.err
    assert "not measured: partition-score:" in said.err
