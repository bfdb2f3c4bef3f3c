import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from stepping import run

from distaff.data import load
from distaff.models import AnnealedVAE, build
from distaff.training.cuda_graph import WARM_UPS, CudaGraphStep
from distaff.training.trainer import NonFiniteLossError, Trainer, Training  # type: ignore[attr-defined]
from distaff.types import Batch

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
STEPS = WARM_UPS + 9


@pytest.fixture
def make_trainer(small_nets: dict[str, Any]) -> Any:
    """Returns a function that starts a training whose settings and rate change at each step."""
    data = load("sprites", size=16, orientations=1, scales=2, positions_x=8, positions_y=8)
    train = data.split("train")
    config = AnnealedVAE.Config(gamma=3.0, annealing_steps=STEPS, latents=3, **small_nets)
    training = Training(steps=STEPS, batch_size=16, log_every=4, schedule="cosine", device="cpu")

    def make(**settings: Any) -> Trainer:
        model: Any = build(config, train.spec, seed=0)
        return Trainer(
            model, train, data.split("validation"), replace(training, **settings), seed=0
        )

    return make


def same(first: Trainer, second: Trainer, **tolerance: Any) -> bool:
    pairs = zip(first.model.parameters(), second.model.parameters(), strict=True)
    return all(torch.allclose(a.cpu(), b.cpu(), **tolerance) for a, b in pairs)


def test_steps_in_fixed_memory_give_the_same_parameters_to_the_bit(make_trainer: Any) -> None:
    plain, fixed = make_trainer(), make_trainer(cuda_graph=True)
    assert run(plain) == run(fixed)
    assert same(plain, fixed, rtol=0, atol=0)


@pytest.mark.parametrize("stop", [1, WARM_UPS + 2])
def test_a_training_in_fixed_memory_that_was_stopped_goes_on_to_the_bit(
    make_trainer: Any, stop: Any
) -> None:
    whole, before, after = (make_trainer(cuda_graph=True) for _ in range(3))
    run(whole)
    while before.current_step < stop:
        before.step()
    after.load_state_dict(before.state_dict())
    run(after)
    assert same(whole, after, rtol=0, atol=0)


def test_the_numbers_of_each_call_come_to_where_the_first_ones_lay(
    generator: torch.Generator,
) -> None:
    seen = []

    def watch(batch: Any, noise: Any, settings: Any) -> Any:
        seen.append((batch.images.data_ptr(), noise.data_ptr(), settings["beta"].data_ptr()))
        return settings["beta"] * batch.images.sum() + noise.sum()

    captured, beside = CudaGraphStep(watch), []
    for beta in (0.5, 2.0, 4.0):
        images, noise = (torch.rand(2, 1, 4, 4, generator=generator) for _ in range(2))
        batch = Batch(images, torch.zeros(2, 1, dtype=torch.int64), torch.ones(2).bool())
        assert captured(batch, noise, {"beta": beta}) == beta * images.sum() + noise.sum()
        beside.append(images)  # so that its memory is not given to the next one
    assert len(set(seen)) == 1


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_a_replayed_step_is_the_step_that_was_recorded(make_trainer: Any, precision: str) -> None:
    settings: dict[str, Any] = {"device": "cuda", "precision": precision}
    plain, replayed = make_trainer(**settings), make_trainer(**settings, cuda_graph=True)
    for first, second in zip(run(plain), run(replayed), strict=True):
        assert second == pytest.approx(first, rel=1e-3)
    assert replayed._measures["vae"]._graph is not None
    assert same(plain, replayed, rtol=1e-2, atol=1e-3)


@pytest.mark.gpu
@needs_gpu
def test_a_replayed_step_that_is_not_finite_changes_nothing(make_trainer: Any) -> None:
    trainer = make_trainer(device="cuda", cuda_graph=True)
    while trainer.current_step < WARM_UPS + 2:
        trainer.step()
    with torch.no_grad():
        next(iter(trainer.model.encoder.parameters())).fill_(math.nan)
    before = {name: value.clone() for name, value in trainer.model.decoder.state_dict().items()}
    with pytest.raises(NonFiniteLossError):
        trainer.step()
    after = trainer.model.decoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.gpu
@needs_gpu
def test_a_replayed_training_that_was_stopped_goes_on(make_trainer: Any, tmp_path: Path) -> None:
    whole, before, after = (make_trainer(device="cuda", cuda_graph=True) for _ in range(3))
    run(whole)
    while before.current_step < WARM_UPS + 2:
        before.step()
    torch.save(before.state_dict(), tmp_path / "state.pt")
    after.step()  # what is recorded or about to be must not outlive the loaded state
    after.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    run(after)
    assert same(whole, after, rtol=1e-2, atol=1e-3)
