import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from distaff.cli import main
from distaff.data import load
from distaff.errors import RunWarning
from distaff.models import VAE, AnnealedVAE, build
from distaff.recipes import RECIPES
from distaff.training import Training, number_of_steps
from distaff.training.schedules import warn_of_unfinished_schedules
from distaff.training.trainer import Trainer
from distaff.types import DataSpec


@pytest.fixture
def silent() -> Iterator[Any]:
    """A warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_the_defaults_of_the_annealed_vae_reach_a_tenth_of_its_capacity_and_say_so(
    small_nets: dict[str, Any],
) -> None:
    """10,000 of 100,000 steps: 2.5 of 25 nats."""
    dataset = load("sprites", size=16, orientations=1, scales=2, positions_x=8, positions_y=8)
    train, validation = dataset.split("train"), dataset.split("validation")
    model: Any = build(AnnealedVAE.Config(**small_nets), train.spec, seed=0)
    with pytest.warns(RunWarning) as told:
        Trainer(model, train, validation, Training(device="cpu"), seed=0)
    (warning,) = told
    assert str(warning.message) == (
        "annealing_steps is 100,000 and the training has 10,000 steps, so that capacity ends at "
        "2.5 instead of 25; train longer or lower annealing_steps."
    )


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("steps", [100, 101])
def test_a_schedule_that_ends_within_the_training_is_not_spoken_of(
    small_nets: dict[str, Any], steps: int
) -> None:
    spec = DataSpec((1, 16, 16), (), 100)
    for config in (AnnealedVAE.Config(annealing_steps=100, **small_nets), VAE.Config(**small_nets)):
        warn_of_unfinished_schedules(build(config, spec, seed=0), steps)


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_to_the_end_of_its_schedule(name: str) -> None:
    recipe = RECIPES[name]
    spec = DataSpec((1, 64, 64), (10, 3), 50_000, ("digit", "shape"))
    if name.startswith("dsprites"):
        factors = ("shape", "scale", "orientation", "posX", "posY")
        spec = spec._replace(factor_sizes=(3, 6, 40, 32, 32), factor_names=factors)
    with torch.device("meta"):
        model = recipe.model.build(spec)
    warn_of_unfinished_schedules(model, number_of_steps(recipe.training, spec.image_count))


def test_the_command_line_says_it_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--data.continuous", "100", "--training.steps", "3", "--seeds", "0"]
    nets = ["--model.encoder.hidden", "8", "--model.decoder.hidden", "8"]
    assert main(["train", "demo", *small, *nets, "--runs", str(tmp_path)]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "annealing_steps" in line]
    (line,) = lines
    assert line.startswith("distaff: annealing_steps is 12,000 and the training has 3 steps")
