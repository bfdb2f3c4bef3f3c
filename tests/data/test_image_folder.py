from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from distaff.data import ImageFolder, load
from distaff.errors import DataError, UsageError

COLORS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}


def save(path: Any, picture: Any = (10, 20, 30), size: Any = (12, 12), **settings: Any) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(picture, tuple):
        picture = Image.new("RGB", size, picture)
    picture.save(path, **settings)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """Four pictures, two of each person; the colours tell them apart."""
    for place, name in enumerate(("a/1.png", "a/2.png", "b/1.png", "b/2.png")):
        save(tmp_path / "pictures" / name, (60 * place, 0, 0))
    return tmp_path / "pictures"


def shade_of(dataset: Any) -> Any:
    return (255 * dataset.images_at(range(len(dataset)))[:, 0, 0, 0]).round().int().tolist()


def test_every_picture_of_a_folder_is_read_in_the_order_of_its_path(folder: Path) -> None:
    save(folder / ".hidden.png")
    save(folder / ".thumbnails" / "1.png")
    (folder / "notes.txt").write_text("no picture")
    dataset = load("folder", path=str(folder), size=8)
    assert shade_of(dataset) == [0, 60, 120, 180]
    assert dataset.image_shape == (3, 8, 8)
    assert dataset.source.pixels.dtype == torch.uint8  # type: ignore[attr-defined]
    assert dataset.factor_names == ()


@pytest.mark.parametrize(
    "ending", ["png", "jpg", "JPEG", "bmp", "gif", "webp", "tif", "tiff", "pgm", "ppm"]
)
def test_every_common_kind_of_picture_is_read(tmp_path: Path, ending: str) -> None:
    for place in range(3):
        save(tmp_path / f"{place}.{ending}", Image.new("L", (12, 12), 100))
    dataset = load("folder", path=str(tmp_path), size=12, channels="grey")
    assert dataset.image_shape == (1, 12, 12)
    assert (dataset.source.pixels.int() - 100).abs().max() <= 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("resize", "ends"), [("crop", ("green", "green")), ("stretch", ("red", "blue"))]
)
def test_a_wide_picture_is_cut_or_stretched(tmp_path: Path, resize: str, ends: Any) -> None:
    stripes = Image.new("RGB", (60, 20))
    for place, name in enumerate(("red", "green", "blue")):
        stripes.paste(COLORS[name], (20 * place, 0, 20 * place + 20, 20))
    for place in range(3):
        save(tmp_path / f"{place}.png", stripes)
    row = load("folder", path=str(tmp_path), size=20, resize=resize).source.pixels[0, :, 10]  # type: ignore[attr-defined]
    assert [tuple(row[:, place].tolist()) for place in (2, 17)] == [COLORS[end] for end in ends]


def test_height_and_width_may_differ(tmp_path: Path) -> None:
    for place in range(3):
        save(tmp_path / f"{place}.png", (0, 0, place), size=(16, 24))
    dataset = load("folder", path=str(tmp_path), size=(24, 16), resize="refuse")
    assert dataset.image_shape == (3, 24, 16)
    with pytest.raises(DataError, match=r"0.png is 24 x 16 pixels and size is 16 x 24; let resize"):
        load("folder", path=str(tmp_path), size=(16, 24), resize="refuse")


def test_a_large_photograph_is_resized_as_a_small_one(tmp_path: Path) -> None:
    levels = np.linspace(0, 255, 1600).astype(np.uint8)
    for place in range(3):
        save(tmp_path / f"{place}.jpg", Image.fromarray(np.tile(levels, (1200, 1))), quality=95)
    row = load("folder", path=str(tmp_path), size=16, resize="stretch").source.pixels[0, 0, 8]  # type: ignore[attr-defined]
    assert np.abs(row.numpy() - levels.reshape(16, 100).mean(axis=1)).max() < 3


def test_a_picture_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    turned = Image.new("RGB", (8, 8), COLORS["red"])
    turned.paste(COLORS["blue"], (0, 0, 8, 4))  # blue on top
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    for place in range(3):
        save(tmp_path / f"{place}.png", turned, exif=exif)
    pixels = load("folder", path=str(tmp_path), size=8).source.pixels[0]  # type: ignore[attr-defined]
    assert tuple(pixels[:, 4, 0].tolist()) == COLORS["red"]
    assert tuple(pixels[:, 4, 7].tolist()) == COLORS["blue"]


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bits_are_divided_and_not_cut_off(tmp_path: Path, ending: str) -> None:
    levels = (np.arange(64).reshape(8, 8) * 1024).astype(np.uint16)
    for place in range(3):
        save(tmp_path / f"{place}.{ending}", Image.fromarray(levels))
    pixels = load("folder", path=str(tmp_path), size=8, channels="grey").source.pixels  # type: ignore[attr-defined]
    assert pixels[0, 0].tolist() == (levels // 256).tolist()


def test_a_picture_of_unknown_range_is_refused(tmp_path: Path) -> None:
    for place in range(3):
        save(tmp_path / f"{place}.tif", Image.fromarray(np.ones((8, 8), np.float32)))
    with pytest.raises(DataError, match="32 bits a value, of an unknown range"):
        load("folder", path=str(tmp_path))


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    for place in range(3):
        save(tmp_path / f"{place}.png", Image.new("RGBA", (8, 8), (255, 255, 255, 0)))
    assert load("folder", path=str(tmp_path), size=8).source.pixels.max() == 0  # type: ignore[attr-defined]


def test_the_folder_of_a_picture_can_be_a_factor(folder: Path) -> None:
    dataset = load("folder", path=str(folder), folder_factor="person")
    assert (dataset.factor_names, dataset.factor_sizes) == (("person",), (2,))
    assert dataset.factors[:, 0].tolist() == [0, 0, 1, 1]
    save(folder / "1.png")
    with pytest.raises(DataError, match=r"1.png lies in .* itself"):
        load("folder", path=str(folder), folder_factor="person")


def test_factors_come_from_a_table_in_any_order(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "factors.csv"
    # with the mark that spreadsheets put before UTF-8
    table.write_text(
        "file,age,hat\nb/2.png,9.5,no\n./a/1.png,30,no\na/2.png,-1,yes\nb/1.png,9.5,no\n",
        encoding="utf-8-sig",
    )
    dataset = load("folder", path=str(folder), factors=str(table), folder_factor="person")
    assert dataset.factor_names == ("person", "age", "hat")
    assert dataset.factor_sizes == (2, 3, 2)
    assert dataset.factors.tolist() == [[0, 2, 0], [0, 0, 1], [1, 1, 0], [1, 1, 0]]
    assert dataset.values[:, 1].tolist() == [30, -1, 9.5, 9.5]
    with pytest.raises(UsageError, match="folder_factor is 'age'"):
        load("folder", path=str(folder), factors=str(table), folder_factor="age")


ROWS = "a/1.png,1\na/2.png,2\nb/1.png,3\nb/2.png,4\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no file .*factors.csv"),
        ("", "is empty"),
        ("file\n", "a name for the files and a different one for each factor"),
        ("file,age,age\n", "a different one for each factor"),
        ("file,age\n" + ROWS.replace("b/2.png,4\n", ""), "3 rows for 4 pictures: 'b/2.png' has no"),
        ("file,age\n" + ROWS + "a/1.png,5\n", "two rows for 'a/1.png'"),
        ("file,age\n" + ROWS.replace(",3", ","), "row 3 has '' for a value"),
        ("file,age\n" + ROWS.replace(",3", ",3,3"), "has 3 cells in row 4"),
        ("file,age\n" + ROWS.replace(",3", ",nan"), "'age' .* row 3 has 'nan'"),
        (b"file,age\n\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_table_that_is_not_of_these_pictures_is_refused(
    folder: Path, tmp_path: Path, content: Any, message: str
) -> None:
    table = tmp_path / "factors.csv"
    if content is not None:
        table.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message):
        load("folder", path=str(folder), factors=str(table))


def test_parts_follow_from_the_seed_and_each_has_an_image(tmp_path: Path) -> None:
    for place in range(20):
        save(tmp_path / f"{place:02}.png", (place, 0, 0))

    def parts(**settings: Any) -> Any:
        return load("folder", path=str(tmp_path), size=8, **settings).splits

    sizes = {name: len(rows) for name, rows in parts().items()}
    assert sizes == {"train": 16, "validation": 2, "test": 2}
    assert sorted(torch.cat(list(parts().values())).tolist()) == list(range(20))
    assert torch.equal(parts()["train"], parts()["train"])
    assert not torch.equal(parts()["train"], parts(split_seed=1)["train"])
    assert len(parts(validation_share=0.001, test_share=0.5)["validation"]) == 1
    assert len(parts(validation_share=0.001, test_share=0.5)["test"]) == 10


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no picture in"):
        load("folder", path=str(tmp_path))
    with pytest.raises(DataError, match=r"no folder .*nowhere"):
        load("folder", path=str(tmp_path / "nowhere"))
    for place in range(2):
        save(tmp_path / f"{place}.png")
    with pytest.raises(DataError, match=r"the set has 2 images, .* give at least 3"):
        load("folder", path=str(tmp_path))
    save(tmp_path / "2.png")
    assert [len(rows) for rows in load("folder", path=str(tmp_path)).splits.values()] == [1, 1, 1]


def test_a_damaged_or_disguised_picture_is_named(folder: Path) -> None:
    (folder / "a" / "2.png").write_bytes((folder / "a" / "1.png").read_bytes()[:-30])
    with pytest.raises(DataError, match=r"a/2.png is not a readable picture .*; replace it"):
        load("folder", path=str(folder))
    (folder / "a" / "2.png").write_text("%!PS-Adobe-3.0 EPSF-3.0")  # for which Pillow has a program
    with pytest.raises(DataError, match="cannot identify image file"):
        load("folder", path=str(folder))


def test_a_picture_that_unpacks_to_too_much_is_refused(folder: Path) -> None:
    # 90 million pixels in 11 kilobytes
    Image.new("1", (30_000, 3_000)).save(folder / "a" / "2.png")
    with pytest.raises(DataError, match=r"90000000 pixels.* exceeds limit of 89478485"):
        load("folder", path=str(folder))


def test_a_set_beyond_the_memory_is_refused_before_it_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        psutil, "virtual_memory", lambda: type("Memory", (), {"available": 4 * 3 * 64 * 64 - 1})
    )
    with pytest.raises(DataError, match=r"4 pictures of 3 x 64 x 64 .* GiB .* smaller size"):
        load("folder", path=str(folder))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 4}, "size is 4; give one number"),
        ({"size": (64, 2000)}, "from 8 to 1024"),
        ({"validation_share": 0.5, "test_share": 0.5}, "both together below 1"),
        ({"test_share": 0.0}, "each must be above 0"),
        ({"split_seed": -1}, "split_seed is -1"),
        ({}, "give its path"),
    ],
)
def test_settings_without_a_meaning_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load("folder", **settings)


def test_a_relative_path_is_kept_from_the_root(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    config = ImageFolder.Config(
        path="../" + folder.parent.name + "/pictures", factors="factors.csv"
    )
    assert config.path == str(folder)
    assert config.factors == str(folder.parent / "factors.csv")


def test_the_orl_faces_are_forty_people(real_data: Callable[[str], Path]) -> None:
    folder = real_data("orl-faces/s1/1.pgm").parents[1]
    faces = load("folder", path=str(folder), channels="grey", folder_factor="person")
    assert len(faces) == 400
    assert faces.factor_sizes == (40,)
    assert faces.factors[:, 0].bincount().tolist() == [10] * 40
