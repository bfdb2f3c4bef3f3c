from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from distaff.data import load
from distaff.errors import UsageError


def draw_with_pillow(x: Any, y: Any, shape: Any, size: Any, color: Any, picture_size: Any) -> Any:
    """As the source of the set does it."""
    picture = Image.new("RGB", (picture_size, picture_size), color="black")
    left, top = (picture_size - 2 - size) * x, (picture_size - 2 - size) * y
    pen = ImageDraw.Draw(picture)
    draw = pen.ellipse if shape == "circle" else pen.rectangle
    draw([(left, top), (left + size, top + size)], fill=color)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255


def pillow_set(
    *,
    size: Any = 64,
    positions: Any = 35,
    shapes: Any = ("circle",),
    shape_sizes: Any = (16,),
    colors: Any,
) -> Any:
    places = np.linspace(0, 1, positions)
    every = product(places, places, shapes, shape_sizes, colors)
    return torch.stack([draw_with_pillow(*factors, size) for factors in every])


def test_every_image_of_the_default_set_is_pillow_s() -> None:
    circles = load("circles")
    assert len(circles) == 3675
    expected = pillow_set(colors=("red", "green", "blue"))
    assert torch.equal(circles.images_at(range(3675)), expected)


@pytest.mark.parametrize("size", [32, 47])
def test_other_sizes_shapes_colours_and_positions_are_pillow_s(size: int) -> None:
    settings: dict[str, Any] = {
        "size": size,
        "positions": 6,
        "shapes": ("square", "circle"),
        "shape_sizes": (1, 2, 3, 7, 10, 13, 22, 30),
        "colors": ("#12ab7f", "orange"),
    }
    circles = load("circles", **settings)
    assert torch.equal(circles.images_at(range(len(circles))), pillow_set(**settings))


def test_positions_off_the_grid_are_pillow_s() -> None:
    circles = load("circles")
    places = np.random.default_rng(0).random((200, 2))
    values = torch.tensor([[x, y, 0, 16, 1] for x, y in places], dtype=torch.float64)
    expected = [draw_with_pillow(x, y, "circle", 16, "green", 64) for x, y in places]
    assert torch.equal(circles.source.draw(values, "cpu"), torch.stack(expected))  # type: ignore[attr-defined]


def test_factors_say_what_the_picture_shows() -> None:
    circles = load("circles")
    assert circles.factor_names == ("posX", "posY", "shape", "size", "color")
    assert circles.factor_sizes == (35, 35, 1, 1, 3)
    row = 34 * 105 + 17 * 3 + 2
    assert circles.factors[row].tolist() == [34, 17, 0, 0, 2]
    blue = circles.images_at([row])[0, 2]
    assert [blue.any(dim=d).nonzero().flatten()[0].item() for d in (0, 1)] == [46, 23]


def test_training_sees_every_image_and_the_other_parts_are_some_of_them() -> None:
    parts = load("circles").splits
    assert torch.equal(parts["train"], torch.arange(3675))
    assert {name: len(rows) for name, rows in parts.items()} == {
        "train": 3675,
        "validation": 368,
        "test": 368,
    }
    assert not set(parts["validation"].tolist()) & set(parts["test"].tolist())


def test_a_quadrant_can_be_held_out() -> None:
    circles = load("circles", held_out="quadrant")
    inside = (circles.values[:, 0] > 0.5) & (circles.values[:, 1] < 0.5)
    assert set(circles.splits["held_out"].tolist()) == set(inside.nonzero().flatten().tolist())
    assert len(circles.splits["train"]) + len(circles.splits["held_out"]) == 3675
    assert not inside[torch.cat([circles.splits[p] for p in ("train", "validation", "test")])].any()


def test_held_out_combinations_leave_every_position_and_every_colour() -> None:
    circles = load("circles", held_out="combinations")
    seen = circles.factors[circles.splits["train"]].long()
    unseen = circles.factors[circles.splits["held_out"]].long()
    assert len(torch.unique(seen[:, :2], dim=0)) == 35 * 35
    assert torch.bincount(seen[:, 4]).tolist() == [23 * 35, 23 * 35, 24 * 35]
    assert [set((unseen[unseen[:, 4] == c, 0] * 3 // 35).tolist()) for c in range(3)] == [
        {0},
        {1},
        {2},
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"shape_sizes": (63,)}, "63; it must be from 1 to 62"),
        ({"colors": ("reddish",)}, "reddish"),
        ({"shapes": ("heart",)}, "heart"),
        ({"positions": 1}, "2 to 256"),
        ({"shape_sizes": ()}, "shape_sizes is empty"),
        ({"colors": ("red",), "held_out": "combinations"}, "at least 2 colours"),
    ],
)
def test_settings_without_a_picture_are_refused(settings: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load("circles", **settings)
