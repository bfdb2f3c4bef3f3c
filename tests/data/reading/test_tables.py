import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from distaff.cli import main
from distaff.data.reading.tables import read_table
from distaff.errors import DataError, UsageError

NUMBERS = np.array([[0.0, 1.5], [2.0, -3.0]])


def save(path: Any, values: Any = NUMBERS, names: Any = ("a", "b")) -> Any:
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".npz":
        np.savez(path, values)
    elif path.suffix == ".csv":
        lines = [",".join(names)] if names else []
        path.write_text("\n".join([*lines, *(",".join(map(str, row)) for row in values)]))
    else:
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pa.table(dict(zip(names, values.T, strict=True))), path)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet"])
def test_a_table_is_read_from_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    table = read_table(save(tmp_path / f"table{suffix}"))
    assert np.array_equal(table.values, NUMBERS)
    assert table.names == (("a", "b") if suffix in (".csv", ".parquet") else None)


def test_a_csv_without_names_is_all_numbers(tmp_path: Path) -> None:
    table = read_table(save(tmp_path / "table.csv", names=()))
    assert table.names is None
    assert table.values.shape == (2, 2)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"a,b\n1,many\n", "holds 'many' in column 'b'"),
        ("x.csv", b"1,2\n3\n", "has 1 cells in row 2 and 2 in the first"),
        ("x.npy", b"\x93NUMPY\x01", "not a readable .npy array"),
        ("x.npz", b"PK", "not a readable .npz file"),
        ("x.parquet", b"PAR1", "not a readable table"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, content: Any, message: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none of .npy, .npz, .parquet"):
        read_table(tmp_path / "x.xls")
    with pytest.raises(DataError, match="no file"):
        read_table(tmp_path / "x.npy")
    with pytest.raises(DataError, match="give a table with a row"):
        read_table(save(tmp_path / "x.npy", np.zeros((2, 2, 2))))
    np.savez(tmp_path / "two.npz", a=NUMBERS, b=NUMBERS)
    with pytest.raises(DataError, match="2 arrays"):
        read_table(tmp_path / "two.npz")


def test_a_table_of_words_or_beyond_the_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table({"a": ["many"]}), tmp_path / "words.parquet")
    with pytest.raises(DataError, match="give a table of numbers"):
        read_table(tmp_path / "words.parquet")
    # 10^7 equal numbers in some kilobytes
    parquet.write_table(pa.table({"a": np.zeros(10**7)}), tmp_path / "long.parquet")
    assert (tmp_path / "long.parquet").stat().st_size < 10**5
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 10**7}))
    with pytest.raises(DataError, match=r"takes 0.1 GiB of memory .* keep fewer rows"):
        read_table(tmp_path / "long.parquet")


def test_what_parquet_needs_is_said_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.parquet").touch()
    monkeypatch.setattr("distaff.data.reading.tables.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"install distaff\[parquet\]"):
        read_table(tmp_path / "x.parquet")


@pytest.fixture
def own_codes(tmp_path: Path) -> Any:
    generator = np.random.default_rng(0)
    factors = generator.integers(0, 4, size=(400, 2))
    codes = save(tmp_path / "codes.npy", factors + 0.1 * generator.normal(size=(400, 2)))
    return str(codes), str(save(tmp_path / "factors.csv", factors, ("size", "hue")))


def test_anybody_s_codes_are_measured(own_codes: Any, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "--codes", own_codes[0], "--factors", own_codes[1]]
    assert main([*words, "--metrics", "mutual-information-gap", "sap", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert list(scores) == ["mutual-information-gap", "sap"]
    assert scores["mutual-information-gap"]["value"] > 0.9
    assert {"size", "hue"} <= set(scores["mutual-information-gap"]["parts"])
    assert main(words) == 0
    assert "mutual-information-gap" in capsys.readouterr().out


def test_a_page_of_anybody_s_codes_stands_alone(
    own_codes: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["evaluate", "--codes", own_codes[0], "--factors", own_codes[1]]
    words += ["--metrics", "mutual-information-gap", "mig-sup"]
    words += ["interventional-robustness", "dci-es"]
    assert main([*words, "--out", str(tmp_path / "out"), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == scores
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    # one matrix for the two scores that read the same one
    assert page.count("data:image/png;base64,") == 3
    assert 'alt="relation of mutual-information-gap, mig-sup"' in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "400 images, 2 latents" in page
    assert "factors:\nsize, hue" in page
    assert f"--codes {own_codes[0]} --factors {own_codes[1]} --metrics mutual-inf" in page
    assert f"{scores['dci-es']['value']:.3f}" in page


def test_a_folder_for_the_page_belongs_to_codes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["evaluate", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "is for --codes" in capsys.readouterr().err


def test_codes_without_factors_or_with_others_are_refused(
    own_codes: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["evaluate", "--codes", own_codes[0]]) == 2
    assert main(["evaluate", str(tmp_path), "--codes", own_codes[0], "--factors", "x.csv"]) == 2
    short = str(save(tmp_path / "short.csv", np.zeros((3, 2), dtype=int)))
    assert main(["evaluate", "--codes", own_codes[0], "--factors", short]) == 2
    assert "400 rows of codes and 3 of factors" in capsys.readouterr().err


def test_a_parquet_file_of_one_number_repeated_is_refused(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "zeros.parquet"
    parquet.write_table(pa.table({"x": np.zeros(2**25 + 1)}), path)
    with pytest.raises(DataError, match="unpacks to hundreds of times its size"):
        read_table(path)


def test_hdf5_is_one_array_or_a_column_in_each(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "table.hdf5"
    with h5py.File(path, "w") as file:
        file["numbers"] = NUMBERS
    np.testing.assert_array_equal(read_table(path).values, NUMBERS)
    with h5py.File(path, "w") as file:
        file["size"], file["hue"] = [1, 2, 3], [0.5, 1.5, 2.5]
    columns = read_table(path)
    assert columns.names == ("hue", "size")
    np.testing.assert_array_equal(columns.values, [[0.5, 1], [1.5, 2], [2.5, 3]])
    with h5py.File(path, "w") as file:
        file["size"] = [1, 2, 3]
    assert read_table(path).names == ("size",)


def test_what_hdf5_needs_is_said_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.h5").touch()
    monkeypatch.setattr("distaff.data.reading.tables.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"install distaff\[hdf5\]"):
        read_table(tmp_path / "x.h5")


def test_hdf5_that_is_no_table_or_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = NUMBERS
    fill: dict[str, Any] = {
        "group": lambda file: file.create_group("factors"),
        "link": lambda file: file.__setitem__("x", h5py.ExternalLink("other.h5", "/x")),
        "words": lambda file: file.__setitem__("x", ["a", "b"]),
        "empty": lambda file: None,  # noqa: ARG005
        "no rows": lambda file: file.update({"x": np.zeros(0), "y": np.zeros(0)}),
        "ragged": lambda file: file.update({"x": [1, 2], "y": [1, 2, 3]}),
        "zeros": lambda file: file.create_dataset(
            "x", (2**26, 2), "f8", chunks=(2**20, 2), compression="gzip"
        ),
    }
    for name, what in fill.items():
        path = tmp_path / f"{name}.h5"
        with h5py.File(path, "w") as file:
            what(file)
        with pytest.raises(DataError, match="is not a readable table"):
            read_table(path)


@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_a_seed_that_no_metric_takes_is_refused(
    own_codes: Any, seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    codes, factors = own_codes
    assert main(["evaluate", "--codes", codes, "--factors", factors, "--seed", seed]) == 2
    assert f"seed is {seed}; give a whole number from 0 to 4294967295" in capsys.readouterr().err
