"""What is read back from images, against images whose factors are known."""

import pytest
import torch

from distaff.data import load
from distaff.inference.recovery import read_back
from distaff.models import ModularRenderer, build


@pytest.mark.slow
def test_real_images_are_read_back_and_those_of_others_are_not() -> None:
    dataset = load("dsprites")
    model = build(ModularRenderer.Config(images=1024), dataset.spec, seed=0)
    assert isinstance(model, ModularRenderer)
    model.begin(dataset.split("train"), seed=0)
    rows = dataset.splits["test"][:600]
    known, some = rows[:300], rows[300:]
    images, values = dataset.images_at(some), dataset.values[some]
    found = read_back(model, dataset, known, images, values)
    assert min(found[name] for name in ("shape", "scale", "x", "y")) >= 0.98
    assert found["mean error of turns in degrees"] < 3
    other = read_back(model, dataset, known, images, values.roll(1, dims=0))
    assert other["shape"] < 0.5
    assert other["x"] < 0.15
    assert other["mean error of turns in degrees"] > 15
    one = values.clone()
    one[:, 4] = one[torch.randperm(300, generator=torch.Generator().manual_seed(0)), 4]
    swapped = read_back(model, dataset, known, images, one)
    assert swapped["x"] < 0.15
    assert swapped["y"] == found["y"]
