from typing import Any

import numpy as np
import pytest

from distaff import figures


def test_each_image_stands_left_of_its_partner() -> None:
    images = np.arange(8.0).reshape(8, 1, 1, 1) * np.ones((8, 1, 4, 4))
    laid = figures.pairs(images, images + 100, columns=4)
    assert laid.shape == (4, 4, 1, 4, 4)
    assert laid[1, :, 0, 0, 0].tolist() == [2, 102, 3, 103]


def test_panels_have_their_names() -> None:
    images = np.zeros((2, 3, 1, 8, 8))
    figure = figures.image_panels({"sampled": images, "mean": images}, title="all")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["sampled", "mean"]


def test_blocks_of_rows_stand_side_by_side_with_white_between() -> None:
    rows = np.zeros((6, 3, 1, 8, 8))
    figure = figures.column_blocks(rows, column_labels=("a", "b", "c"), blocks=2)
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == ["a", "b", "c", "", "a", "b", "c"]
    canvas = figure.axes[0].images[0].get_array()
    gap, spacer = 1, 3 * (8 + 1) + 1
    assert canvas[gap : gap + 8, spacer : spacer + 8].min() == 1  # type: ignore[index]
    assert canvas[gap : gap + 8, spacer + 9 : spacer + 17].max() == 0  # type: ignore[index]


def test_the_kept_epoch_is_marked_on_the_bound() -> None:
    bounds = {"training": [-120.0, -100.0, -90.0], "validation": [-121.0, -104.0, -105.0]}
    figure = figures.elbo_curves([1, 2, 3], bounds, best=2, title="bound")
    (axes,) = figure.axes
    assert [line.get_ydata()[-1] for line in axes.lines[:2]] == [-90, -105]  # type: ignore[index]
    assert list(axes.lines[2].get_xdata()) == [2, 2]  # type: ignore[arg-type]
    assert axes.get_ylim()[1] > -90


def test_one_look_is_enough_for_a_curve() -> None:
    figure = figures.elbo_curves([1], {"validation": [-90.0]})
    assert len(figure.axes[0].lines) == 1


def test_intervals_keep_their_order_and_length() -> None:
    estimates = {
        "worse": {"k = 1": (2.0, 1.9, 2.1), "k = 50": (1.8, 1.7, 1.9)},
        "better": {"k = 1": (1.0, 0.8, 1.2), "k = 50": (0.9, 0.8, 1.0)},
    }
    figure = figures.intervals(estimates, quantity="bits", order=("better", "worse"))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["better", "worse"]
    segments = axes.collections[0].get_segments()  # type: ignore[attr-defined]
    assert segments[0][:, 0] == pytest.approx([0.8, 1.2])


def test_every_class_of_a_map_is_named() -> None:
    rng = np.random.default_rng(0)
    points, classes = rng.normal(size=(60, 2)), np.arange(60) % 10
    figure = figures.latent_map(points, classes, axis_labels=("z1", "z2"), title="map")
    (axes,) = figure.axes
    assert {text.get_text() for text in axes.texts} == {str(digit) for digit in range(10)}
    assert axes.get_xlabel() == "z1"


def test_trainings_of_a_group_share_a_colour() -> None:
    curve = ([1, 2], [3.0, 2.0])
    figure = figures.term_curves({"kl": {"a": [curve, curve], "b": [curve]}})
    colours = [line.get_color() for line in figure.axes[0].lines]
    assert colours[0] == colours[1] != colours[2]


@pytest.mark.parametrize("reach", [(12.0, 61.0), (1e-8, 1e-3), (0.5, 4000.0)])
def test_ticks_of_a_logarithmic_axis_are_plain_numbers(reach: Any) -> None:
    curve = ([0.0, 1.0], list(reach))
    figure = figures.term_curves({"kl": {"a": [curve]}})
    figure.draw_without_rendering()
    (axes,) = figure.axes
    labels = axes.get_yticklabels(which="both")
    shown = [label.get_text() for label in labels if label.get_text()]
    numbers = [float(text.replace("−", "-")) for text in shown]  # a formula is no number
    places = [label.get_position()[1] for label in labels if label.get_text()]
    assert numbers == pytest.approx(places, rel=1e-3)
    assert len([number for number in numbers if reach[0] <= number <= reach[1]]) >= 2
