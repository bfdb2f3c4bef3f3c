"""Pictures as people have them: links, ink on nothing, few bits, splits in folders."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import distaff
from distaff.data import load
from distaff.errors import DataError, RunWarning

GENERATOR = np.random.default_rng(0)


def save(folder: Path, count: int, **shape: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        size = shape.get("size", (16, 16))
        pixels = GENERATOR.integers(0, 256, size, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")


def load_folder(path: Path, **named: Any) -> Any:
    return load("folder", path=str(path), size=16, channels="grey", **named)


def test_linked_folders_are_followed_and_other_files_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "set/cat", 20)
    save(tmp_path / "elsewhere/dog", 20)
    (tmp_path / "set/dog").symlink_to(tmp_path / "elsewhere/dog")
    (tmp_path / "set/cat/loop").symlink_to(tmp_path / "set")
    (tmp_path / "set/notes.txt").touch()
    (tmp_path / "set/photo.heic").touch()
    with caplog.at_level(logging.INFO, "distaff"):
        dataset = load_folder(tmp_path / "set", folder_factor="kind")
    assert (len(dataset), dataset.factor_sizes) == (40, (2,))
    assert dataset.value_names == (("cat", "dog"),)
    said = "\n".join(caplog.messages)
    assert "1 .heic, 1 .txt" in said
    assert "40 grey pictures of 16 x 16" in said


def test_folders_of_splits_are_the_splits(tmp_path: Path) -> None:
    for split, count in (("train", 6), ("val", 2), ("Test", 3)):
        for kind in ("cat", "dog"):
            save(tmp_path / split / kind, count)
    dataset = load_folder(tmp_path, folder_factor="kind")
    sizes = {name: len(rows) for name, rows in dataset.splits.items()}
    assert sizes == {"train": 12, "validation": 4, "test": 6}
    assert dataset.factor_sizes == (2,)


def test_a_column_of_splits_is_no_factor(tmp_path: Path) -> None:
    save(tmp_path / "p", 10)
    rows = [f"{i}.png,{i % 2},{'test' if i > 7 else 'train'}" for i in range(10)]
    (tmp_path / "f.csv").write_text("file,x,split\n" + "\n".join(rows))
    dataset = load_folder(tmp_path / "p", factors=str(tmp_path / "f.csv"))
    assert dataset.factor_names == ("x",)
    assert dataset.splits["test"].tolist() == [8, 9]
    assert len(dataset.splits["validation"]) == 1
    numbers = sorted(row for split in dataset.splits.values() for row in split.tolist())
    assert numbers == list(range(10))


def test_black_ink_on_nothing_can_be_seen(tmp_path: Path) -> None:
    for index in range(4):
        pixels = np.zeros((16, 16, 4), np.uint8)
        pixels[4:8, index : index + 6, 3] = 255
        Image.fromarray(pixels, "RGBA").save(tmp_path / f"{index}.png")
    images = load_folder(tmp_path).images_at([0])
    assert (float(images.min()), float(images.max())) == (0.0, 1.0)


@pytest.mark.parametrize("bits", [10, 12])
def test_few_bits_in_sixteen_are_said(tmp_path: Path, bits: int) -> None:
    for index in range(4):
        pixels = GENERATOR.integers(0, 2**bits, (16, 16)).astype(np.uint16)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    with pytest.warns(RunWarning, match="have to be stretched first"):
        load_folder(tmp_path)


def test_nothing_to_see_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=np.full((10, 16, 16), 200, np.uint8))
    with pytest.warns(RunWarning, match="are blank, so that there is nothing to learn"):
        load("arrays", path=str(tmp_path / "x.npz"))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": GENERATOR.integers(0, 256, (64, 64, 3), np.uint8)}, "can be one picture"),
        ({"images": GENERATOR.random((9, 8, 8)) / 255 / 255}, "divided by 255 twice"),
        (
            {
                "images": GENERATOR.integers(0, 256, (9, 8, 8), np.uint8),
                "train": np.arange(6),
                "validation": np.array([6]),
                "test": np.array([5, 7]),
            },
            "'train' and 'test' .* share 1 images, for example 5",
        ),
    ],
)
def test_what_is_ambiguous_is_refused(tmp_path: Path, arrays: Any, message: str) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=message):
        load("arrays", path=str(tmp_path / "x.npz"))


def test_a_set_is_shown_in_a_line_and_gone_through_image_by_image(tmp_path: Path) -> None:
    save(tmp_path / "cat", 5)
    save(tmp_path / "dog", 5)
    dataset = load_folder(tmp_path, folder_factor="kind")
    assert repr(dataset) == (
        "FactorDataset(10 images of 1 x 16 x 16, factors {'kind': 2}, "
        "splits {'train': 8, 'validation': 1, 'test': 1})"
    )
    image, factors = dataset[-1]
    assert (image.shape, factors.tolist()) == ((1, 16, 16), [1])
    assert len(list(dataset)) == 10
    with pytest.raises(IndexError):
        dataset[10]


def test_all_parts_of_distaff_are_listed() -> None:
    assert {"load", "data", "metrics", "models", "runs", "studies"} <= set(dir(distaff))
    for name in dir(distaff):
        assert getattr(distaff, name)
