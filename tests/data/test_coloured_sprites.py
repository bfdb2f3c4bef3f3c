import colorsys
from typing import Any

import pytest
import torch

from distaff.data import load
from distaff.data.coloured_sprites import to_rgb
from distaff.errors import UsageError


@pytest.fixture(scope="module")
def coloured() -> Any:
    return load("coloured-sprites")


def test_colours_are_converted_as_colorsys_does(generator: torch.Generator) -> None:
    hsv = torch.rand(500, 3, generator=generator, dtype=torch.float64)
    hsv[:8] = torch.tensor([[i / 6 % 1, i % 2, 1] for i in range(8)])
    expected = torch.tensor([colorsys.hsv_to_rgb(*row) for row in hsv.tolist()])
    assert torch.allclose(to_rgb(hsv).float(), expected, atol=1e-6)


def test_a_picture_is_that_of_dsprites_in_the_colour_of_its_values(coloured: Any) -> None:
    rows = [0, 12_345, 400_000, 737_279]
    images, masks = coloured.images_at(rows), load("dsprites").images_at(rows)
    colours = [colorsys.hsv_to_rgb(*coloured.values[row, :3].tolist()) for row in rows]
    expected = masks * torch.tensor(colours)[:, :, None, None]
    assert torch.allclose(images, expected, atol=1e-6)


def test_the_colour_is_uniform_in_the_box_and_the_index_is_its_cell(coloured: Any) -> None:
    low, side = torch.tensor([0, 0.3, 0.9]), torch.tensor([1, 0.7, 0.1])
    uniform = (coloured.values[:, :3] - low) / side
    assert (uniform.mean(dim=0) - 0.5).abs().max() < 0.002
    assert ((uniform > -1e-6) & (uniform < 1 + 1e-6)).all()
    cells = coloured.factors[:, :3]
    assert ((8 * uniform - cells - 0.5).abs() < 0.5 + 1e-5).all()
    assert len(coloured.values[:, 0].unique()) > 700_000


def test_there_are_eight_factors_and_few_bytes(coloured: Any) -> None:
    assert coloured.factor_names == (
        "hue",
        "saturation",
        "value",
        "shape",
        "scale",
        "orientation",
        "posX",
        "posY",
    )
    assert coloured.factor_sizes == (8, 8, 8, 3, 6, 40, 32, 32)
    assert (coloured.factors.amax(dim=0) + 1).tolist() == list(coloured.factor_sizes)
    assert coloured.factors.dtype == torch.int16


def test_the_seed_alone_decides_the_colours(coloured: Any) -> None:
    again, other = load("coloured-sprites"), load("coloured-sprites", seed=1)
    assert torch.equal(coloured.values, again.values)
    assert not torch.equal(coloured.values[:100, :3], other.values[:100, :3])
    assert torch.equal(coloured.values[:, 3:], other.values[:, 3:])


def test_parts_take_all_images_once(coloured: Any) -> None:
    rows = torch.cat(list(coloured.splits.values()))
    assert torch.equal(rows.sort().values, torch.arange(737_280))


@pytest.mark.parametrize("settings", [{"hue": (0.5, 0.5)}, {"value": (0, 1.5)}])
def test_a_box_without_colours_is_refused(settings: Any) -> None:
    with pytest.raises(UsageError, match="take 0 <= from < to <= 1"):
        load("coloured-sprites", **settings)
