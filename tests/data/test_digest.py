from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from distaff.data import ImageFolder, Sprites, load
from distaff.data.digest import digest_of
from distaff.data.reading.untrusted import moved
from distaff.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """Two pictures of each of three people."""
    for place, name in enumerate("abcdef"):
        path = tmp_path / "pictures" / ["anna", "bert", "cleo"][place // 2] / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (12, 12), 40 * place).save(path)
    return tmp_path / "pictures"


def digest(folder: Any, **settings: Any) -> Any:
    return digest_of(load("folder", path=str(folder), size=12, folder_factor="who", **settings))


def config_of(folder: Any, **settings: Any) -> Any:
    return ImageFolder.Config(path=str(folder), **settings)


def test_the_place_of_a_set_and_the_way_it_is_decoded_do_not_matter(folder: Path) -> None:
    before = digest(folder)
    elsewhere = folder.rename(folder.parent / "elsewhere")
    assert digest(elsewhere) == before
    assert len(before) == 64
    dataset = load("folder", path=str(elsewhere), size=12, folder_factor="who")
    other = replace(dataset.source, pixels=dataset.source.pixels ^ 1)  # type: ignore[attr-defined, type-var]
    assert digest_of(replace(dataset, source=other)) == before
    assert digest_of(dataset.to("cpu")) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: Image.new("L", (12, 12), 9).save(folder / "anna" / "z.png"),
        lambda folder: Image.new("L", (12, 12), 9).save(folder / "cleo" / "f.png"),
        lambda folder: (folder / "anna" / "a.png").unlink(),
        lambda folder: (folder / "anna" / "a.png").rename(folder / "bert" / "a.png"),
        lambda folder: (folder / "anna" / "a.png").rename(folder / "anna" / "z.png"),
        lambda folder: (folder / "anna").rename(folder / "zoe"),
    ],
    ids=["added", "exchanged", "removed", "of another class", "renamed", "class renamed"],
)
def test_every_change_of_a_folder_is_seen(folder: Path, change: Any) -> None:
    before = digest(folder)
    change(folder)
    assert digest(folder) != before


def test_a_table_of_factors_counts(folder: Path, tmp_path: Path) -> None:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))

    def with_ages(head: Any, ages: Any) -> Any:
        rows = [head, *(f"{name},{age}" for name, age in zip(names, ages, strict=True))]
        (tmp_path / "table.csv").write_text("\n".join(rows))
        return digest(folder, factors=str(tmp_path / "table.csv"))

    digests = [
        with_ages("file,age", range(6)),
        with_ages("file,age", range(1, 7)),
        with_ages("file,age", [1, 0, 2, 3, 4, 5]),
        with_ages("file,size", range(6)),
        digest(folder),
    ]
    assert len(set(digests)) == 5
    assert with_ages("file,age", range(6)) == digests[0]


def test_images_factors_and_parts_of_arrays_count(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    arrays = {
        "images": generator.integers(0, 256, (9, 8, 8), dtype=np.uint8),
        "factors": np.arange(18).reshape(9, 2),
        "train": np.arange(5),
        "validation": np.array([5, 6]),
        "test": np.array([7, 8]),
    }

    def saved(**changed: Any) -> Any:
        np.savez(tmp_path / "mine.npz", **(arrays | changed))  # type: ignore[arg-type]
        return digest_of(load("arrays", path=str(tmp_path / "mine.npz")))

    other = arrays["images"].copy()  # type: ignore[attr-defined]
    other[3, 2, 2] ^= 1
    digests = [
        saved(),
        saved(images=other),
        saved(images=arrays["images"][::-1]),  # type: ignore[index]
        saved(factors=arrays["factors"][::-1]),  # type: ignore[index]
        saved(factor_names=np.array(["a", "b"])),
        saved(train=np.array([0, 1, 2, 3, 7]), test=np.array([4, 8])),
        saved(train=np.arange(4)),
    ]
    assert len(set(digests)) == len(digests)
    assert saved(more=np.arange(3)) == digests[0]


def test_of_drawn_images_the_parts_count_which_a_file_may_name() -> None:
    settings: dict[str, Any] = {"size": 8, "orientations": 1, "positions_x": 4, "positions_y": 4}
    dataset = load("sprites", **settings)
    assert digest_of(dataset) == digest_of(load("sprites", **settings))
    assert digest_of(dataset) != digest_of(
        replace(dataset, splits={**dataset.splits, "test": torch.tensor([0])})
    )


def test_a_table_in_a_folder_moves_along_with_it(folder: Path, tmp_path: Path) -> None:
    config = config_of(folder, factors=str(folder / "table.csv"))
    new = moved(config, tmp_path / "new")
    assert (new.path, new.factors) == (str(tmp_path / "new"), str(tmp_path / "new" / "table.csv"))
    beside = config_of(folder, factors=str(tmp_path / "table.csv"))
    assert moved(beside, tmp_path / "new").factors == beside.factors
    assert moved(config_of(folder), tmp_path / "new").factors == ""
    with pytest.raises(UsageError, match=r"is no place for this set.*leave out --data.path"):
        moved(Sprites.Config(), tmp_path)
