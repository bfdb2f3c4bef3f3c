"""What the figures of a run show, against plain loops over its model."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distaff.errors import UsageError
from distaff.experiment import Experiment
from distaff.figures import FIGURES
from distaff.illustrate import TRAVERSED, Portrait, illustrate
from distaff.models import FactorVAE
from distaff.runs import OpenRun, Run
from distaff.train import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def run(small_experiment: Experiment, folder: Path) -> Run:
    (trained,) = train(small_experiment, folder)
    return trained


@pytest.fixture
def portrait(run: Run) -> Portrait:
    return Portrait(OpenRun(run))


def drawn(name: str, portrait: Portrait) -> Figure:
    figure: Figure = FIGURES[name](portrait)
    return figure


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if title_of(axes)]


def title_of(axes: Axes) -> str:
    return axes.get_title("left") or axes.get_title()


def pixels_of(figure: Figure) -> np.ndarray[Any, Any]:
    """The picture that a figure of images shows."""
    (image,) = [image for axes in figure.axes for image in axes.get_images()]
    return np.asarray(image.get_array())


def holds(grid: np.ndarray[Any, Any], image: torch.Tensor) -> bool:
    """Whether a grid of images shows this one somewhere."""
    wanted = image[0].numpy()
    flat = grid if grid.ndim == 2 else grid[..., 0]
    windows = np.lib.stride_tricks.sliding_window_view(flat, wanted.shape)
    return bool((np.abs(windows - wanted).max(axis=(2, 3)) < 1e-5).any())


def test_each_figure_is_written_as_png_and_pdf(run: Run) -> None:
    paths = illustrate(run)
    assert [path.stem for path in paths] == list(run.experiment.figures)
    for path in paths:
        assert plt.imread(path).ndim == 3
        assert path.with_suffix(".pdf").read_bytes()[:5] == b"%PDF-"


def test_reconstructions_are_those_of_a_loop_over_single_images(portrait: Portrait) -> None:
    grid = pixels_of(drawn("reconstructions", portrait))
    model = portrait.run.load_generative()
    test = portrait.run.load_dataset().split("test")
    for row in range(3):
        image = test.images_at([row])
        with torch.no_grad():
            assert holds(grid, image[0])
            assert holds(grid, model.reconstruct(image)[0])


def test_a_traversal_moves_one_latent_of_the_image_whose_code_is_nearest_the_origin(
    portrait: Portrait,
) -> None:
    grid = pixels_of(drawn("traversals", portrait))
    model = portrait.run.load_generative()
    test = portrait.run.load_dataset().split("test")
    with torch.no_grad():
        codes = torch.cat([model.encode(test.images_at([row])).mean for row in range(len(test))])
        code = codes[codes.square().sum(dim=1).argmin()]
        for latent in range(3):
            for value in (TRAVERSED[0], TRAVERSED[-1]):
                moved = code.clone()
                moved[latent] = value
                assert holds(grid, model.decode(moved[None])[0])


def test_samples_are_the_model_s_own(portrait: Portrait) -> None:
    grid = pixels_of(drawn("samples", portrait))
    for image in portrait.run.load_generative().sample(72)[:4]:
        assert holds(grid, torch.from_numpy(image))


def test_interpolations_begin_and_end_at_test_images(portrait: Portrait) -> None:
    grid = pixels_of(drawn("interpolations", portrait))
    test = portrait.run.load_dataset().split("test")
    for image in test.images_at(range(4)):
        assert holds(grid, image)


def test_curves_show_each_term_the_bound_and_the_objective(portrait: Portrait) -> None:
    figure = drawn("training-curves", portrait)
    assert [title_of(axes) for axes in panels(figure)] == [
        "reconstruction",
        "kl",
        "negative ELBO",
        "objective",
    ]
    log = [line for line in portrait.run.log if line["split"] == "train"]
    line = panels(figure)[2].get_lines()[0]
    assert list(line.get_xdata()) == [each["step"] for each in log]  # type: ignore[arg-type]
    assert list(line.get_ydata()) == [each["reconstruction"] + each["kl"] for each in log]  # type: ignore[arg-type]


def test_curves_of_two_players_show_the_terms_and_objectives_of_both(
    small_experiment: Experiment, tmp_path: Path, small_nets: dict[str, Any]
) -> None:
    from dataclasses import replace

    small = {"discriminator_units": 8, "discriminator_layers": 1}
    model = FactorVAE.Config(latents=3, **small_nets, **small)  # type: ignore[arg-type]
    (run,) = train(replace(small_experiment, model=model), tmp_path)
    figure = drawn("training-curves", Portrait(OpenRun(run)))
    titles = [title_of(axes) for axes in panels(figure)]
    assert {"total_correlation", "discriminator"} <= set(titles)
    assert titles[-2:] == ["objective", "discriminator objective"]
    for axes in panels(figure):
        assert {line.get_label() for line in axes.get_lines()} == {"train", "validation"}


def test_the_relation_matrix_names_the_factors_that_vary(portrait: Portrait) -> None:
    figure = drawn("relation-matrix", portrait)
    shown = {label.get_text() for axes in figure.axes for label in axes.get_xticklabels()}
    shown |= {label.get_text() for axes in figure.axes for label in axes.get_yticklabels()}
    assert {"shape", "scale", "posX", "posY"} <= shown
    assert "orientation" not in shown


def test_an_unknown_figure_and_a_missing_split_are_refused_by_name(run: Run) -> None:
    with pytest.raises(UsageError, match="unknown figure 'traversal': did you mean 'traversals'"):
        illustrate(run, ["traversal"])
    with pytest.raises(UsageError, match="unknown split 'test_reconstruct'"):
        illustrate(run, ["q1_a"])
