from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distaff.data import load
from distaff.errors import DataError, UsageError

COUNT = 10


@pytest.fixture
def bytes_() -> Any:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 8, 12), dtype=np.uint8)


@pytest.fixture
def loaded(tmp_path: Path) -> Any:
    """Saves arrays and loads them as a data set."""

    def load_(**arrays: Any) -> Any:
        np.savez_compressed(tmp_path / "mine.npz", **arrays)
        return load("arrays", path=str(tmp_path / "mine.npz"))

    return load_


def test_bytes_come_out_as_they_went_in(loaded: Any, bytes_: Any) -> None:
    dataset = loaded(images=bytes_)
    assert dataset.image_shape == (1, 8, 12)
    assert np.array_equal(dataset.source.pixels[:, 0], bytes_)
    assert dataset.factor_names == ()
    assert {name: len(rows) for name, rows in dataset.splits.items()} == {
        "train": 8,
        "validation": 1,
        "test": 1,
    }


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_numbers_from_0_to_1_keep_their_level(loaded: Any, bytes_: Any, kind: str) -> None:
    assert np.array_equal(loaded(images=(bytes_ / 255).astype(kind)).source.pixels[:, 0], bytes_)


def test_truth_values_are_black_and_white(loaded: Any, bytes_: Any) -> None:
    pixels = loaded(images=bytes_ > 100).source.pixels[:, 0]
    assert np.array_equal(pixels, np.where(bytes_ > 100, 255, 0))


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_second_or_last(loaded: Any, channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (COUNT, channels, 8, 12), dtype=np.uint8)
    for given in (images, np.moveaxis(images, 1, 3)):
        dataset = loaded(images=given)
        assert dataset.image_shape == (channels, 8, 12)
        assert np.array_equal(dataset.source.pixels, images)


def test_factors_are_numbered_by_their_distinct_values(loaded: Any, bytes_: Any) -> None:
    factors = np.array([[7, -1], [3, 1]] * 5, dtype=np.int16)
    dataset = loaded(images=bytes_, factors=factors, factor_names=np.array(["age", "hat"]))
    assert (dataset.factor_names, dataset.factor_sizes) == (("age", "hat"), (2, 2))
    assert dataset.factors[:2].tolist() == [[1, 0], [0, 1]]
    assert dataset.values[:2].tolist() == [[7, -1], [3, 1]]
    assert loaded(images=bytes_, factors=factors).factor_names == ("factor 0", "factor 1")


def test_own_parts_are_taken(loaded: Any, bytes_: Any) -> None:
    own = {"train": np.arange(7), "validation": np.array([7]), "test": np.array([8, 9])}
    dataset = loaded(images=bytes_, **own, unknown=np.arange(3))
    assert {name: rows.tolist() for name, rows in dataset.splits.items()} == {
        name: rows.tolist() for name, rows in own.items()
    }
    assert torch.equal(dataset.split("test").images_at([1]), dataset.images_at([9]))


GREY = np.full((COUNT, 8, 8), 200, np.uint8)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": GREY}, "holds no array named images"),
        ({"images": GREY[:, 0]}, r"shape \(10, 8\), in which 0 axes"),
        ({"images": np.zeros((COUNT, 3, 8, 3), np.uint8)}, "in which 2 axes can be the channels"),
        ({"images": np.zeros((COUNT, 8, 8, 2), np.uint8)}, "in which 0 axes"),
        ({"images": GREY.astype(np.int64)}, "are int64; give uint8, bool"),
        ({"images": GREY // 200}, "uint8 and none is above 1 of 255"),
        ({"images": GREY / 100}, "values from 2 to 2; give finite ones"),
        ({"images": np.where(GREY > 0, np.nan, 0)}, "values from nan to nan"),
        ({"images": np.where(GREY > 0, -np.inf, 0)}, "values from -inf to -inf"),
        ({"images": GREY[:2]}, "the set has 2 images"),
        ({"images": GREY[:0]}, "so that it is empty"),
        ({"images": GREY.astype(object)}, "it holds object; only numbers"),
        ({"images": GREY, "factors": np.zeros((9, 2), int)}, r"shape \(9, 2\); give 10 rows"),
        ({"images": GREY, "factors": np.full((COUNT, 1), np.nan)}, "'factor 0' .* row 1 is nan"),
        (
            {"images": GREY, "factors": np.ones((COUNT, 2), int), "factor_names": np.array(["a"])},
            "give 2 different words",
        ),
        ({"images": GREY, "train": np.arange(5)}, "holds the indices train; give train, valid"),
        (
            {"images": GREY, **dict.fromkeys(("train", "validation", "test"), np.array([10]))},
            "'train' .* has the index 10; the set has 0 to 9",
        ),
    ],
)
def test_arrays_of_which_there_is_no_set_are_refused(
    loaded: Any, arrays: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        loaded(**arrays)


def test_a_missing_or_unnamed_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*mine.npz"):
        load("arrays", path=str(tmp_path / "mine.npz"))
    with pytest.raises(UsageError, match="give its path"):
        load("arrays")
