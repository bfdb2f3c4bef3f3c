"""A run is opened once: its data and model are loaded once, each image is encoded once."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from distaff.cli import main
from distaff.data import Sprites
from distaff.errors import UsageError
from distaff.experiment import Experiment
from distaff.inference.encode import posterior_of
from distaff.models import VAE, AbstractVAE, Classifier
from distaff.runs import OpenRun, Run
from distaff.train import train


@pytest.fixture
def run(small_experiment: Experiment, tmp_path: Path) -> Run:
    # images enough to be measured, so that a report has scores and matrices
    grid = replace(small_experiment.data, positions_x=16, positions_y=16)  # type: ignore[call-arg]
    (trained,) = train(replace(small_experiment, data=grid), tmp_path)
    return trained


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what is loaded, and every image that any encoder is given."""
    counted: Counter[str] = Counter()
    load, load_model, posterior = Sprites.load, Run.load_model, AbstractVAE.posterior

    def counting_load(self: Sprites) -> Any:
        counted["data sets"] += 1
        return load(self)

    def counting_model(self: Run, *words: Any) -> Any:
        counted["models"] += 1
        return load_model(self, *words)

    def counting_posterior(self: Any, images: torch.Tensor, *words: Any) -> Any:
        for image in images:
            counted[f"image {hash(image.numpy().tobytes())}"] += 1
        return posterior(self, images, *words)

    monkeypatch.setattr(Sprites, "load", counting_load)
    monkeypatch.setattr(Run, "load_model", counting_model)
    monkeypatch.setattr(AbstractVAE, "posterior", counting_posterior)
    return counted


def test_a_report_loads_data_and_model_once_and_encodes_each_image_once(
    run: Run, counts: Counter[str]
) -> None:
    assert main(["report", str(run.folder)]) == 0
    assert Run(run.folder).scores
    assert counts.pop("data sets") == 1
    assert counts.pop("models") == 1
    test = Run(run.folder).load_dataset().split("test")
    pictures = Counter(image.numpy().tobytes() for image in test.images_at(range(len(test))))
    # small sprites of other factors can be the same picture: no more often than the set holds them
    assert sum(counts.values()) - counts["data sets"] == len(test)
    assert sorted(v for k, v in counts.items() if k != "data sets") == sorted(pictures.values())


def test_runs_of_one_data_set_share_it(
    small_experiment: Experiment, tmp_path: Path, counts: Counter[str]
) -> None:
    train(replace(small_experiment, seeds=(0, 1, 2)), tmp_path)
    counts.clear()
    assert main(["illustrate", str(tmp_path), "--figures", "samples", "reconstructions"]) == 0
    assert counts["data sets"] == 1
    assert counts["models"] == 3


def test_posteriors_are_those_of_the_model_in_any_order_and_portions(run: Run) -> None:
    opened = OpenRun(run)
    truth = posterior_of(run.load_generative(), run.load_dataset())
    for rows in (torch.tensor([5, 2, 9]), torch.tensor([2, 2, 70, 5]), torch.arange(30)):
        found = opened.posteriors(rows)
        assert torch.allclose(found.mean, truth.mean[rows], atol=1e-6)
        assert torch.allclose(found.log_std, truth.log_std[rows], atol=1e-6)
    assert torch.allclose(opened.all_posteriors().mean, truth.mean, atol=1e-6)


def test_an_opened_run_opens_no_second_time(run: Run) -> None:
    opened = OpenRun(run)
    assert OpenRun.of(opened) is opened
    assert opened.dataset is opened.dataset
    assert opened.model is opened.generative
    assert isinstance(opened.model, VAE.__mro__[1])


def test_a_classifier_has_no_codes(small_experiment: Experiment, tmp_path: Path) -> None:
    model = Classifier.Config(factor="scale", encoder=small_experiment.model.encoder)  # type: ignore[attr-defined]
    (judge,) = train(replace(small_experiment, name="judge", model=model), tmp_path)
    with pytest.raises(UsageError, match="is a classifier, which has no latents"):
        _ = OpenRun(judge).generative
