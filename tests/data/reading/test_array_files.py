import io
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from distaff.data.reading.array_files import read_npy, read_npz
from distaff.errors import DataError


def npy(header: Any, content: Any = b"") -> Any:
    """An `.npy` file that says of itself what it likes."""
    text = header if isinstance(header, bytes) else repr(header).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def claim(shape: Any, kind: Any = "|u1") -> Any:
    return {"descr": kind, "fortran_order": False, "shape": shape}


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Any) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return open, (self.path, "w")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["?", "i1", ">u4", "f2", "<f8", "U3"])
def test_arrays_come_back_as_they_were_saved(tmp_path: Path, kind: str, order: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(kind, order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "x.npy", array)
    np.savez(tmp_path / "x.npz", x=array)
    np.savez_compressed(tmp_path / "y.npz", x=array, y=array[0])
    assert np.array_equal(read_npy(tmp_path / "x.npy"), array)
    assert np.array_equal(read_npz(tmp_path / "x.npz")["x"], array)
    assert read_npz(tmp_path / "y.npz").keys() == {"x", "y"}
    assert read_npz(tmp_path / "y.npz", ["y", "z"]).keys() == {"y"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(claim((10**6, 10**6)), b"abc"), r"says it holds \(1000000, 1000000\).* holds 3 bytes"),
        (npy(claim((10**4000,)), b"abc"), "says it holds"),
        (npy(claim((4,)), b"abc"), "holds 3 bytes"),
        (npy(claim((2,)), b"abc"), "holds 3 bytes"),
        (npy(claim((-1, -3)), b"abc"), "it is empty"),
        (npy(claim((10**12, 0))), "it is empty"),
        (npy(claim((10**12,), "<U0")), "it is empty"),
        (npy(claim((1,), [("a", "<f8")]), bytes(8)), "only numbers and text"),
        (npy(claim((1,), "<U1"), b"\xff\xff\xff\x7f"), "maximum character"),
        (npy(b"{" * 5000), "not a readable"),
        (npy(b"(" * 60_000), "not a readable"),
        (b"\x93NUMPY\x03\x00" + npy(claim((1,)), b"a")[8:], "version"),
        (b"", "not a readable"),
    ],
)
def test_a_header_that_is_not_true_is_refused_before_memory_is_taken(
    tmp_path: Path, content: Any, message: str
) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content)
    tracemalloc.start()
    try:
        for read, path in ((read_npy, "x.npy"), (read_npz, "x.npz")):
            with pytest.raises(DataError, match=message) as caught:
                read(tmp_path / path)
            assert len(str(caught.value).splitlines()) == 1
            assert len(str(caught.value)) < 500
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    trap = np.array([Trap(tmp_path / "sprung")], dtype=object)
    np.save(tmp_path / "x.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=trap)
    (tmp_path / "y.npy").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    for name in ("x.npy", "y.npy", "x.npz"):
        with pytest.raises(DataError):
            (read_npz if name.endswith("npz") else read_npy)(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("field", ["file_size", "both"])
def test_a_zip_directory_that_is_not_true_is_refused(tmp_path: Path, field: str) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=np.zeros(100, np.uint8))
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02")
    sizes = {"file_size": ((24, 2**31),), "both": ((24, 2**31), (20, 2**30))}[field]
    for offset, size in sizes:
        content[place + offset : place + offset + 4] = struct.pack("<I", size)
    path.write_bytes(content)
    with pytest.raises(DataError, match="packed"):
        read_npz(path)


def test_a_bomb_that_is_true_is_held_against_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros(10**6, np.uint8))
    np.save(tmp_path / "x.npy", np.zeros(10**6, np.uint8))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 10**6}))
    for read, name in ((read_npy, "x.npy"), (read_npz, "x.npz")):
        with pytest.raises(DataError, match=r"takes 0.0 GiB of memory .* save fewer rows"):
            read(tmp_path / name)


def test_other_ways_to_pack_are_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", content.getvalue())
    with pytest.raises(DataError, match="in a way that NumPy does not use"):
        read_npz(tmp_path / "x.npz")
