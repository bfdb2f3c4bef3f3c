"""Compositional splits of gridded sets: what training never shows, and what it still does."""

from typing import Any

import pytest
import torch

from distaff.data import load
from distaff.errors import UsageError

SMALL: dict[str, Any] = {
    "size": 16,
    "orientations": 4,
    "scales": 3,
    "positions_x": 8,
    "positions_y": 7,
}
SPLITS = ("random", "composition", "interpolation", "extrapolation")


def sprites(**settings: Any) -> Any:
    return load("sprites", **SMALL, **settings)


def column(dataset: Any, name: Any, part: Any) -> Any:
    return dataset.factors[dataset.splits[part], dataset.factor_names.index(name)].long()


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", ["sprites", "circles"])
def test_no_part_shows_what_is_held_out_and_nothing_is_lost(name: str, split: Any) -> None:
    settings = SMALL if name == "sprites" else {"size": 32, "positions": 8}
    whole, dataset = load(name, **settings), load(name, split=split, **settings)
    held_out = set(dataset.splits["held_out"].tolist())
    assert 0 < len(held_out) < len(dataset)
    for part, rows in whole.splits.items():
        assert dataset.splits[part].tolist() == [r for r in rows.tolist() if r not in held_out]
    everything = torch.cat([dataset.splits["train"], dataset.splits["held_out"]]).unique()
    assert len(everything) == len(dataset) or name == "sprites"


def test_a_composition_is_the_quarter_of_upper_halves_and_every_value_is_seen() -> None:
    dataset = sprites(split="composition")
    x, y = (column(dataset, name, "held_out") for name in ("posX", "posY"))
    assert x.unique().tolist() == [4, 5, 6, 7]
    # the middle one of seven is not in the upper half
    assert y.unique().tolist() == [4, 5, 6]
    assert len(dataset.splits["held_out"]) == len(dataset) * 4 * 3 // (8 * 7)
    for place, size in enumerate(dataset.factor_sizes):
        assert len(dataset.factors[dataset.splits["train"], place].unique()) == size
    # each is seen with the lower half of the other
    assert column(dataset, "posX", "train")[column(dataset, "posY", "train") < 4].max() == 7


def test_factors_are_chosen_by_name() -> None:
    dataset = sprites(split="composition", split_factors=("shape", "posX"))
    assert column(dataset, "shape", "held_out").unique().tolist() == [2]
    assert column(dataset, "posX", "held_out").unique().tolist() == [4, 5, 6, 7]


def test_interpolation_holds_out_values_between_and_extrapolation_those_beyond() -> None:
    between = sprites(split="interpolation")
    assert column(between, "posX", "held_out").unique().tolist() == [1, 3, 5]
    assert column(between, "posX", "train").unique().tolist() == [0, 2, 4, 6, 7]
    beyond = sprites(split="extrapolation", split_factors=("posX", "orientation"))
    assert column(beyond, "posX", "train").max() == 3
    assert column(beyond, "orientation", "train").max() == 1
    assert len(beyond.splits["held_out"]) == len(beyond) * 3 // 4


def test_random_is_a_quarter_and_the_same_each_time() -> None:
    first, second = sprites(split="random"), sprites(split="random")
    assert torch.equal(first.splits["held_out"], second.splits["held_out"])
    assert len(first.splits["held_out"]) == pytest.approx(len(first) / 4, rel=0.1)


def test_parts_of_dsprites_whose_rows_belong_together_are_left_out() -> None:
    dataset = load("dsprites", split="extrapolation")
    assert set(dataset.splits) == {"train", "supervised_train", "validation", "test", "held_out"}
    assert len(dataset.splits["held_out"]) == 737_280 // 2
    assert len(dataset.splits["train"]) == pytest.approx(245_760 / 2, rel=0.01)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"split": "compositional"}, "sprites does not take"),
        ({"split": "random", "split_factors": ("posX",)}, "has none"),
        ({"split": "composition", "split_factors": ("posX",)}, "give two"),
        ({"split": "extrapolation", "split_factors": ("hue",)}, "this set has color"),
        ({"split": "extrapolation", "split_factors": ("color",)}, "one value only"),
    ],
)
def test_splits_that_there_are_not_are_refused(settings: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        sprites(**settings)


def test_circles_hold_out_in_one_way_only() -> None:
    with pytest.raises(UsageError, match="choose one of them"):
        load("circles", held_out="quadrant", split="random")
