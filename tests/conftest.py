import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from distaff.data import Sprites
from distaff.experiment import Experiment
from distaff.models import BetaVAE
from distaff.nets import ConvolutionalDecoder, ConvolutionalEncoder
from distaff.training import Training


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test downloads anything from outside this machine."""
    monkeypatch.setenv("DISTAFF_OFFLINE", "1")


@pytest.fixture
def real_data() -> Any:
    """Returns a function that gives the path of a real file, or skips the test without it."""

    def path_of(name: str) -> Path:
        folder = os.environ.get("DISTAFF_DATA")
        path = Path(folder or "nowhere") / name
        if not path.is_file():
            reason = f"needs the real {name} in the folder that DISTAFF_DATA names"
            # on the project's own machines the real data must be there
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        return path

    return path_of


@pytest.fixture
def generator() -> Any:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def small_nets() -> Any:
    return {
        "encoder": ConvolutionalEncoder.Config(widths=(4, 4), hidden=(16,)),
        "decoder": ConvolutionalDecoder.Config(widths=(4, 4), hidden=(16,)),
    }


@pytest.fixture
def small_experiment(small_nets: dict[str, Any]) -> Any:
    """A beta-VAE on tiny sprites that trains in a second."""
    return Experiment(
        name="small",
        data=Sprites.Config(size=16, orientations=1, scales=2, positions_x=8, positions_y=8),
        model=BetaVAE.Config(latents=3, **small_nets),
        training=Training(
            steps=20,
            batch_size=16,
            log_every=5,
            validate_every=10,
            validation_images=32,
            device="cpu",
        ),
    )


@pytest.fixture
def with_training() -> Any:
    """Returns the experiment with some settings of its training changed."""

    def change(experiment: Experiment, **settings: Any) -> Experiment:
        return replace(experiment, training=replace(experiment.training, **settings))

    return change
