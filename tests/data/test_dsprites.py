import hashlib
import io
import math
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from distaff.cli import main
from distaff.data import DSprites, FactorDataset, load
from distaff.data.base import Comparison
from distaff.data.dsprites import SIZES
from distaff.data.reading.dsprites_file import COUNT, NPZ, compare, images_in
from distaff.errors import DataError, UsageError

BASES = np.array([737_280, 245_760, 40_960, 1024, 32, 1])


@pytest.fixture(scope="module")
def dsprites() -> Any:
    return load("dsprites")


def test_images_are_indexed_as_in_the_official_file(
    dsprites: FactorDataset, real_data: Callable[[str], Path]
) -> None:
    path = real_data("dsprites/dsprites_reference_images.npz")
    with np.load(path) as file:
        known = file["label_origin"] != "matched"
        images, classes = file["imgs"][known], file["latents_classes"][known]
        values = file["latents_values"][known]
    rows = classes @ BASES
    assert np.array_equal(dsprites.images_at(rows)[:, 0].numpy(), images)
    assert np.array_equal(dsprites.factors[rows].numpy(), classes)
    assert np.allclose(dsprites.values[rows].numpy(), values)


def test_names_sizes_and_values_are_the_official_ones(dsprites: FactorDataset) -> None:
    assert dsprites.factor_names == ("color", "shape", "scale", "orientation", "posX", "posY")
    assert dsprites.factor_sizes == (1, 3, 6, 40, 32, 32)
    assert len(dsprites) == math.prod(dsprites.factor_sizes) == 737_280
    assert dsprites.values[-1].tolist() == [1, 3, 1, 2 * math.pi, 1, 1]
    assert dsprites.values[33].tolist() == [1, 1, 0.5, 0, 1 / 31, 1 / 31]


def test_the_split_has_the_assignment_s_sizes_and_no_image_twice(dsprites: FactorDataset) -> None:
    sizes = {name: len(rows) for name, rows in dsprites.splits.items()}
    assert sizes["train"] == 245_760
    assert sizes["supervised_train"] == 16_384
    assert sizes["test_interpolate"] == 2 * 5
    rows = torch.cat(list(dsprites.splits.values()))
    assert len(rows.unique()) == len(rows)


def test_the_split_is_the_same_everywhere(dsprites: FactorDataset) -> None:
    assert dsprites.splits["train"][:3].tolist() == load("dsprites").splits["train"][:3].tolist()
    assert int(dsprites.splits["train"].sum()) == 90_578_960_390


def test_the_set_is_small_in_memory(dsprites: FactorDataset) -> None:
    held = [dsprites.factors, dsprites.values, *dsprites.splits.values()]
    assert sum(t.numel() * t.element_size() for t in held) < 64 << 20


FEW = 1300


@pytest.fixture(scope="module")
def few(dsprites: Any) -> Any:
    """The first images of the set as arrays in the official layout."""
    images = dsprites.images_at(range(FEW))[:, 0].numpy().astype(np.uint8)
    return images, dsprites.factors[:FEW].numpy().astype(np.int64)


def save(path: Any, images: Any, classes: Any, metadata: Any = None) -> Any:
    if path.suffix == ".npz":
        np.savez_compressed(path, metadata=metadata, imgs=images, latents_classes=classes)
        return path
    with h5py.File(path, "w") as file:
        file.create_dataset("imgs", data=images, chunks=(len(images) // 2, 2, 4), compression=1)
        file.create_dataset("latents/classes", data=classes)
    return path


@pytest.mark.parametrize("form", ["npz", "hdf5"])
def test_a_file_in_the_official_layout_is_read_as_bits(
    tmp_path: Path, few: Any, dsprites: FactorDataset, form: str
) -> None:
    source = images_in(save(tmp_path / f"x.{form}", *few), FEW)
    assert source.bits.shape == (FEW, 64 * 64 // 8)
    rows = torch.tensor([0, 1299, 700, 700])
    assert torch.equal(source.images_at(rows), dsprites.images_at(rows))
    assert source.to("cpu").images_at(rows).dtype == torch.float32


@pytest.mark.parametrize("form", ["npz", "hdf5"])
def test_a_comparison_counts_what_differs(
    tmp_path: Path, few: Any, dsprites: FactorDataset, form: str
) -> None:
    drawn, told = dsprites.subset(torch.arange(FEW)), []
    path = tmp_path / f"x.{form}"
    same = compare(save(path, *few), drawn, lambda *done: told.append(done))
    assert same == Comparison(FEW, 0, 0, 0, ())
    assert told[-1] == (FEW, FEW)
    images, classes = (array.copy() for array in few)
    images[7, 0, :2] = 1
    images[1200, 63, 63] = 1
    classes[9, 5] += 1
    other = compare(save(path, images, classes), drawn, lambda *_: None)
    assert other == Comparison(FEW, 2, 3, 1, (7, 1200))
    assert "2 of 1,300 images differ" in str(other)
    assert "first 7, 1200" in str(other)


class Program:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Any) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (str(self.path), "w"))


def test_the_pickled_metadata_is_never_run(tmp_path: Path, few: Any) -> None:
    metadata = np.array(Program(tmp_path / "ran"), dtype=object)
    path = save(tmp_path / "x.npz", *few, metadata)  # type: ignore[call-arg]
    assert len(images_in(path, FEW).bits) == FEW
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(Program(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


def array_saying(shape: Any, dtype: Any = "|u1", content: Any = b"") -> Any:
    file = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


@pytest.mark.parametrize(
    ("imgs", "message"),
    [
        (array_saying((1 << 50, 64, 64)), r"holds uint8 of shape \(1125899906842624, 64, 64\)"),
        (array_saying((FEW, 64, 64), "<f8"), "holds float64"),
        (array_saying((FEW, 64, 64), "|O"), "holds object"),
        (array_saying((FEW, 64, 64), content=bytes(1000)), "ends too early"),
        (array_saying((FEW, 64, 64), content=bytes(FEW * 4096 + 1)), "more than it says"),
        (array_saying((FEW, 64, 64), content=b"\2" * FEW * 4096), "a pixel is 2"),
        (b"not an array", "magic string"),
        (None, "imgs.npy"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(
    tmp_path: Path, few: Any, imgs: Any, message: str
) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        if imgs:
            archive.writestr("imgs.npy", imgs)
        with archive.open("latents_classes.npy", "w") as member:
            np.lib.format.write_array(member, few[1])
    with pytest.raises(DataError, match=message):
        images_in(tmp_path / "x.npz", FEW)


@pytest.mark.parametrize("form", ["npz", "hdf5"])
@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.99])
def test_a_damaged_file_is_refused(tmp_path: Path, few: Any, form: str, kept: float) -> None:
    path = save(tmp_path / f"x.{form}", *few)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole) if kept < 1 else kept)])
    with pytest.raises(DataError, match="not a whole file of dSprites"):
        images_in(path, FEW)


@pytest.mark.parametrize("form", ["npz", "hdf5"])
def test_a_file_of_another_number_of_images_is_refused(tmp_path: Path, few: Any, form: str) -> None:
    with pytest.raises(DataError, match="not a whole file of dSprites"):
        images_in(save(tmp_path / f"x.{form}", *few))


def test_hdf5_without_h5py_says_what_to_install(
    tmp_path: Path, few: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "x.hdf5", *few)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r"install distaff\[hdf5\]"):
        images_in(path, FEW)


def test_the_source_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTAFF_DATA", str(tmp_path))
    with pytest.raises(UsageError, match=r"does not take.*'file'"):
        load("dsprites", source="file")
    with pytest.raises(DataError, match=f"there is no {tmp_path}.*npz"):
        load("dsprites", source="npz")
    assert DSprites(DSprites.Config()).fetch() == []


def test_the_split_of_an_ids_file_is_taken_and_the_rest_drawn_beside_it(
    tmp_path: Path, dsprites: FactorDataset
) -> None:
    ids = {
        "train": np.arange(245_760),
        "supervised_train": np.arange(300_000, 316_384),
        "test_reconstruct": np.arange(700_000, 700_024),
        "test_interpolate": np.arange(10).reshape(5, 2) + 710_000,
    }
    np.savez(tmp_path / "ids.npz", **ids)  # type: ignore[arg-type]
    parts = load("dsprites", ids=str(tmp_path / "ids.npz")).splits
    for name, rows in ids.items():
        assert parts[name].tolist() == rows.ravel().tolist()
    assert {name: len(rows) for name, rows in parts.items()} == SIZES
    assert len(torch.cat(list(parts.values())).unique()) == sum(SIZES.values())
    again = load("dsprites", ids=str(tmp_path / "ids.npz")).splits
    assert torch.equal(parts["test"], again["test"])
    assert dsprites.splits.keys() == parts.keys()


def test_an_ids_file_that_does_not_serve_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no index file"):
        load("dsprites", ids=str(tmp_path / "ids.npz"))
    np.savez(tmp_path / "ids.npz", test=np.arange(5))
    with pytest.raises(DataError, match="must name the rows of train"):
        load("dsprites", ids=str(tmp_path / "ids.npz"))
    np.savez(tmp_path / "ids.npz", train=np.arange(COUNT - 100))
    with pytest.raises(UsageError, match="the set has 100"):
        load("dsprites", ids=str(tmp_path / "ids.npz"))


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory: Any, dsprites: Any) -> Any:
    """All images, drawn, in the layout of the official file; gives the data folder."""
    folder = tmp_path_factory.mktemp("data")
    path = folder / NPZ.name
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("imgs.npy", "w", force_zip64=True) as member:
            member.write(array_saying((COUNT, 64, 64)))
            for rows in torch.arange(COUNT).split(4096):
                member.write(dsprites.images_at(rows).to(torch.uint8).numpy().tobytes())
        with archive.open("latents_classes.npy", "w") as member:
            np.lib.format.write_array(member, dsprites.factors.numpy().astype(np.int64))
    return folder


@pytest.mark.slow
def test_a_whole_file_is_compared_image_by_image(
    whole_file: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISTAFF_DATA", str(whole_file))
    assert main(["data", "check", "dsprites"]) == 1
    said = capsys.readouterr()
    assert "its MD5 sum is" in said.out
    assert "All 737,280 images and their factors are those that distaff draws" in said.out


LOAD = """
from dataclasses import replace
from distaff.data import dsprites, load
dsprites.FILES = {{"npz": (replace(dsprites.NPZ, digest={digest!r}),)}}
images = load("dsprites", source="npz").images_at([3, 500_000])
print(int(images.sum()))
print(open("/proc/self/status").read())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_a_whole_file_takes_little_memory(
    whole_file: Any, dsprites: FactorDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTAFF_DATA", str(whole_file))
    code = LOAD.format(digest=hashlib.md5((whole_file / NPZ.name).read_bytes()).hexdigest())
    said = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout
    assert int(said.split()[0]) == int(dsprites.images_at([3, 500_000]).sum())
    assert int(said.split(b"VmHWM:")[1].split()[0]) < 700 << 10
