import math

import pytest
import torch

from distaff.data import load


def test_the_default_grid_is_that_of_dsprites_up_to_the_full_turn() -> None:
    sprites, dsprites = load("sprites"), load("dsprites")
    rows = torch.tensor([0, 5000 % 1024, 245_760 + 3 * 1024 * 40, 700_000])
    upright = rows - rows // 1024 % 40 * 1024  # orientation 0 is the same in both
    assert torch.equal(sprites.images_at(upright), dsprites.images_at(upright))


@pytest.mark.parametrize("size", [28, 32, 64, 128])
def test_a_shape_covers_the_same_share_at_any_size(size: int) -> None:
    sprites = load("sprites", size=size, smooth=True, orientations=1, scales=1)
    squares = sprites.images_at(range(0, 1024, 31))
    assert squares.mean().item() == pytest.approx((19.2 / 64) ** 2, rel=0.01)


def test_smooth_edges_have_grey_pixels_and_sharp_ones_none() -> None:
    smooth, sharp = (load("sprites", size=32, smooth=s).images_at([100]) for s in (True, False))
    assert ((smooth > 0) & (smooth < 1)).any()
    assert ((sharp == 0) | (sharp == 1)).all()


def test_colours_are_hues_on_three_channels() -> None:
    sprites = load("sprites", size=16, colors=3, scales=1, orientations=1)
    assert sprites.image_shape == (3, 16, 16)
    per_colour = len(sprites) // 3
    brightest = [sprites.images_at([i * per_colour]).amax(dim=(0, 2, 3)).tolist() for i in range(3)]
    assert brightest == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_continuous_values_fill_their_range_and_lie_in_their_cell() -> None:
    sprites = load("sprites", size=16, continuous=5000, positions_x=8, orientations=1)
    x = sprites.values[:, 4]
    assert len(x.unique()) == 5000
    assert torch.equal((x * 8).floor().short(), sprites.factors[:, 4])
    assert (sprites.values[:, 3] == 0).all()
    assert 0.5 <= sprites.values[:, 2].min() < 0.51
    assert 0.99 < sprites.values[:, 2].max() <= 1


def test_a_chosen_shape_is_drawn() -> None:
    ellipse = load("sprites", shapes=("ellipse",), orientations=2, scales=1, positions_x=1)
    assert set(ellipse.values[:, 1].tolist()) == {2.0}
    flat, upright = ellipse.images_at([16, 48])[:, 0]
    assert math.isclose(flat.any(dim=0).sum(), 26, abs_tol=1)
    assert math.isclose(flat.any(dim=1).sum(), 14, abs_tol=1)
    assert torch.equal(flat, upright)  # half a turn later


def test_moving_right_moves_the_picture_right() -> None:
    sprites = load("sprites", size=32, positions_x=3, positions_y=1, scales=1, orientations=1)
    columns = [sprites.images_at([i])[0, 0].sum(dim=0).argmax().item() for i in range(3)]
    assert columns == sorted(columns)
    assert columns[2] - columns[0] == 16
