from typing import Any

import numpy as np
import pytest

from distaff import figures
from distaff.figures.house_style import PAGE_WIDTH
from distaff.measures.latent_geometry import grid_lines


@pytest.fixture
def rng() -> Any:
    return np.random.default_rng(0)


def test_the_latent_geometry_draws_each_line_in_one_colour_in_all_panels() -> None:
    positions, line = grid_lines()
    figure = figures.latent_geometry(positions, line, {"a": 2 * positions, "b": positions[:, ::-1]})
    assert [axes.get_title("left") for axes in figure.axes] == ["true positions", "a", "b"]
    first, *others = [[tuple(drawn.get_color()) for drawn in a.lines] for a in figure.axes]
    assert len(set(first)) == 12
    assert all(colours == first for colours in others)
    assert all(axes.get_aspect() == 1 for axes in figure.axes)
    assert np.array_equal(figure.axes[1].lines[7].get_xydata(), 2 * positions[line == 7])


def test_side_by_side_shows_every_image_of_both_decoders(rng: Any) -> None:
    images, values = rng.random((7, 3, 8, 8)), np.linspace(-2, 2, 7).tolist()
    sides = [
        figures.Side(name, rng.random((7, 3, 8, 8)), rng.random((5, 7, 3, 8, 8)), list("vwxyz"))
        for name in ("left", "right")
    ]
    figure = figures.side_by_side(images, sides, values=values)
    assert figure.get_figwidth() == PAGE_WIDTH
    top_left, top_right, low_left, low_right = figure.axes
    assert (top_left.get_title("left"), top_right.get_title("left")) == ("left", "right")
    for axes, side in zip((low_left, low_right), sides, strict=True):
        assert [label.get_text() for label in axes.get_yticklabels()] == list("vwxyz")
        assert [label.get_text() for label in axes.get_xticklabels()][::6] == ["-2", "2"]
        canvas = axes.images[0].get_array()
        assert np.array_equal(canvas[1:9, 10:18], side.traversed[0, 1].transpose(1, 2, 0))  # type: ignore[index]
    canvas = top_right.images[0].get_array()
    assert np.array_equal(canvas[10:18, 1:9], sides[1].reconstructed[0].transpose(1, 2, 0))  # type: ignore[index]


def test_the_checkerboard_figure_writes_the_share_of_each_decoder(rng: Any) -> None:
    true_images = rng.random((3, 1, 32, 32))
    pattern = np.indices((32, 32)).sum(axis=0) % 2 * np.ones((3, 1, 1, 1))
    figure = figures.checkerboard(true_images, {"pattern": pattern, "faithful": true_images})
    spectra, bars = figure.axes
    assert len(spectra.lines) == 1 + 2 + 2
    assert [label.get_text() for label in bars.get_yticklabels()] == ["pattern", "faithful"]
    written = [text.get_text() for text in bars.texts]
    assert written == ["2 px: 100 %", "4 px: < 0.01 %", "2 px: < 0.01 %", "4 px: < 0.01 %"]
