from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distaff import figures
from distaff.figures.house_style import PAGE_WIDTH
from distaff.figures.image_grid import montage


@pytest.fixture
def images() -> Any:
    return np.random.default_rng(0).random((12, 1, 8, 8))


def texts(figure: Any) -> str:
    return " | ".join(
        text.get_text() for axes in figure.axes for text in axes.findobj(match=_is_text)
    )


def column_labels(figure: Any) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_xticklabels()]


def _is_text(artist: Any) -> bool:
    return hasattr(artist, "get_text")


def test_a_montage_holds_every_image_as_it_is(images: Any) -> None:
    canvas = montage(images.reshape(3, 4, 1, 8, 8))
    assert canvas.shape == (3 * 9 + 1, 4 * 9 + 1, 1)
    assert np.array_equal(canvas[10:18, 19:27, 0], images[6, 0])
    assert (canvas[9] == 1).all()


def test_colours_and_values_out_of_range_are_drawn() -> None:
    canvas = montage(np.array([[[[[2.0]], [[-1.0]], [[0.5]]]]]))
    assert canvas[1, 1].tolist() == [1, 0, 0.5]


def test_interpolations_print_every_alpha(images: Any) -> None:
    between = images[:10].reshape(2, 5, 1, 8, 8)
    alphas = (0, 0.25, 0.5, 0.75, 1)
    figure = figures.interpolations(images[:2], between, images[2:4], alphas=alphas)
    labels = column_labels(figure)
    assert labels == ["original", *(f"α = {alpha:g}" for alpha in alphas), "original"]


def test_traversals_label_rows_and_columns(images: Any) -> None:
    figure = figures.traversals(
        images.reshape(3, 4, 1, 8, 8),
        values=(-2, -1, 1, 2),
        labels=["z4: 3.21 nats\nposX 0.90", "z0: 0.10 nats", "z1: 0.00 nats"],
        title="Traversal",
    )
    written = texts(figure)
    assert all(words in written for words in ("3.21 nats", "posX 0.90", "-2", "Traversal"))


def test_reconstructions_fill_up_the_last_row(images: Any) -> None:
    figure = figures.reconstructions(images[:9], images[:9])
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["image", "reconstruction"] * 2


def test_training_curves_show_each_term_and_split() -> None:
    curves = {
        term: {"train": ([1, 2, 3], [3.0, 2.0, 1.0]), "validation": ([3], [1.5])}
        for term in ("reconstruction", "kl")
    }
    figure = figures.training_curves(curves)
    assert len(figure.axes) == 2
    assert "nats per image" in texts(figure)


def test_the_relation_matrix_writes_every_number() -> None:
    relation = np.array([[0.91, 0.0], [0.02, 0.5]])
    figure = figures.relation_matrix(
        relation, factor_names=["posX", "scale"], latent_names=["z1", "z0"]
    )
    assert all(f"{value:.2f}" in texts(figure) for value in relation.flat)


def test_samples_of_each_value_are_labelled_by_row(images: Any) -> None:
    figure = figures.samples(images.repeat(2, axis=0), row_labels=["digit 0", "digit 1"])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["digit 0", "digit 1"]


def test_figures_are_as_wide_as_a_page(images: Any, tmp_path: Path) -> None:
    figure = figures.samples(images)
    assert figure.get_figwidth() == PAGE_WIDTH
    figure.savefig(tmp_path / "samples.pdf")
    assert (tmp_path / "samples.pdf").read_bytes().startswith(b"%PDF")
