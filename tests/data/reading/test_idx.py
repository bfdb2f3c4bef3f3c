import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distaff.data.reading.idx import read_idx
from distaff.errors import DataError


def idx(*shape: int) -> bytes:
    head = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    return head + bytes(range(int(np.prod(shape))))


def test_an_idx_file_is_read_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx(2, 3, 4), mtime=0))
    assert np.array_equal(read_idx(tmp_path / "x.gz"), np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", "not a readable gzip file"),
        (gzip.compress(idx(2, 3), mtime=0)[:-12], "not a readable gzip file"),
        (gzip.compress(b"", mtime=0), "not an IDX file"),
        (gzip.compress(b"\0\0\x0d\x01" + b"\0" * 8, mtime=0), "not an IDX file"),
        (gzip.compress(idx(2, 3)[:-1], mtime=0), "says it holds"),
        (gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12, mtime=0), "says it holds"),
    ],
)
def test_a_damaged_idx_file_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(tmp_path / "x.gz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # 10^12 bytes asked for by 16, and by a gzip file that could hold them
        (b"\0\0\x08\x03" + 3 * (10_000).to_bytes(4, "big"), "says it holds 1000000000000 bytes"),
        (b"\0\0\x08\x01" + (60).to_bytes(4, "big") + bytes(10**8), r"\[60\] bytes and holds 61"),
        (idx(2, 3) + b"more", "holds 7 or more"),
        (bytes([0, 0, 8, 100]) + 100 * (1).to_bytes(4, "big") + b"x", "not a readable gzip file"),
    ],
    ids=["claims too much", "holds too much", "trailing bytes", "100 dimensions"],
)
def test_no_more_is_unpacked_than_the_header_says(
    tmp_path: Path, content: Any, message: str
) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(content, mtime=0))
    del content
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message):
            read_idx(tmp_path / "x.gz")
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()
