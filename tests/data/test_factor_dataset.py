from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distaff.data import load
from distaff.data.factor_dataset import grid
from distaff.errors import DataError, UsageError


@pytest.fixture(scope="module")
def sprites() -> Any:
    return load("sprites", size=16, scales=2, orientations=3, positions_x=4, positions_y=5)


def test_a_grid_has_every_combination_with_the_last_factor_fastest() -> None:
    index, values = grid(([1.0, 2.0], [0.0, 0.5, 1.0]))
    assert index.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    assert values[4].tolist() == [2.0, 0.5]


def test_images_are_numbers_from_0_to_1_of_the_shape_that_the_set_names(sprites: Any) -> None:
    images = sprites.images_at([0, 5, 100])
    assert images.shape == (3, *sprites.image_shape)
    assert images.dtype == torch.float32
    assert 0 <= images.min() <= images.max() <= 1


def test_lists_arrays_and_tensors_name_the_same_images(sprites: Any) -> None:
    expected = sprites.images_at([3, 1])
    assert torch.equal(sprites.images_at(np.array([3, 1])), expected)
    assert torch.equal(sprites.images_at(torch.tensor([3, 1])), expected)


@pytest.mark.parametrize("indices", [[-1], [360], [0.5], [[1, 2]], [True]])
def test_rows_that_do_not_exist_are_refused(sprites: Any, indices: Any) -> None:
    with pytest.raises(UsageError):
        sprites.images_at(indices)


def test_a_part_holds_the_rows_of_the_whole(sprites: Any) -> None:
    part, rows = sprites.split("validation"), sprites.splits["validation"]
    assert len(part) == 36
    assert torch.equal(part.images_at([7]), sprites.images_at(rows[7:8]))
    assert torch.equal(part.factors_at(torch.tensor([7])), sprites.factors_at(rows[7:8]))
    with pytest.raises(UsageError, match="unknown split 'nothing'"):
        sprites.split("nothing")


def test_a_split_is_disjoint_and_the_same_for_a_seed(sprites: Any) -> None:
    counts = {"train": 300, "test": 60}
    first, again, other = (sprites.split_randomly(counts, seed=s).splits for s in (0, 0, 1))
    assert torch.equal(torch.cat(list(first.values())).sort().values, torch.arange(360))
    assert torch.equal(first["test"], again["test"])
    assert not torch.equal(first["test"], other["test"])
    with pytest.raises(UsageError, match="needs 361 images; the set has 360"):
        sprites.split_randomly({"train": 361})


def test_a_split_by_a_file_takes_its_rows(sprites: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "ids.npz", train=np.arange(10), pairs=np.array([[11, 12], [13, 14]]))
    parts = sprites.split_by_file(tmp_path / "ids.npz").splits
    assert parts["train"].tolist() == list(range(10))
    assert parts["pairs"].tolist() == [11, 12, 13, 14]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no index file"),
        (b"not an archive", "not a readable .npz"),
        ({"train": np.array([0, 360])}, "the index 360"),
        ({"train": np.array([0.5])}, "not a list of image indices"),
    ],
)
def test_a_file_that_is_no_split_is_refused(
    sprites: Any, tmp_path: Path, content: Any, message: str
) -> None:
    path = tmp_path / "ids.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        np.savez(path, **content)
    with pytest.raises(DataError, match=message):
        sprites.split_by_file(path)


def test_a_sample_has_images_factors_and_no_labels(
    sprites: Any, generator: torch.Generator
) -> None:
    batch = sprites.sample(9, generator)
    assert batch.images.shape == (9, 1, 16, 16)
    assert batch.factors.shape == (9, 6)
    assert not batch.labelled.any()


def test_an_unknown_set_or_setting_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'dsprites'"):
        load("dsprite")
    with pytest.raises(UsageError, match="does not take"):
        load("sprites", sizes=3)
    with pytest.raises(UsageError, match="the set has 2 images; it must have from 3"):
        load("sprites", continuous=2)
    with pytest.raises(UsageError, match="size is 4"):
        load("sprites", size=4)


@pytest.mark.parametrize("size", [16, 9])
def test_packed_images_are_the_drawn_ones_in_an_eighth_of_a_byte_a_pixel(size: int) -> None:
    drawn = load("sprites", size=size, scales=2, orientations=3, positions_x=4, positions_y=5)
    part = drawn.split("train")
    packed = part.packed()
    assert packed.source.bits.shape == (len(part), -(-size * size // 8))  # type: ignore[attr-defined]
    rows = torch.arange(len(part)).flip(0)
    assert torch.equal(packed.images_at(rows), part.images_at(rows))
    few = packed.subset(torch.tensor([7, 2])).to("cpu")
    assert torch.equal(few.images_at([1]), part.images_at([2]))


@pytest.mark.parametrize("settings", [{"smooth": True}, {"colors": 3}])
def test_images_that_are_not_black_and_white_are_not_packed(settings: Any) -> None:
    data = load(
        "sprites", size=8, scales=1, orientations=1, positions_x=2, positions_y=2, **settings
    )
    assert data.packed() is data
