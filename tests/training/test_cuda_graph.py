import math
from dataclasses import replace

import pytest
import torch
from stepping import run

from distaff.data import load
from distaff.models import AnnealedVAE, build
from distaff.training.cuda_graph import WARM_UPS, Captured
from distaff.training.fit import Fit, NonFiniteLossError, Training
from distaff.types import Batch

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
STEPS = WARM_UPS + 9


@pytest.fixture
def make_fit(small_nets):
    """Returns a function that starts a training whose settings and rate change at each step."""
    data = load("sprites", size=16, orientations=1, scales=2, positions_x=8, positions_y=8)
    train = data.part("train")
    config = AnnealedVAE.Config(gamma=3.0, annealing_steps=STEPS, latents=3, **small_nets)
    training = Training(steps=STEPS, batch_size=16, log_every=4, schedule="cosine", device="cpu")

    def make(**settings) -> Fit:
        model = build(config, train.spec, seed=0)
        return Fit(model, train, data.part("validation"), replace(training, **settings), seed=0)

    return make


def same(first: Fit, second: Fit, **tolerance) -> bool:
    pairs = zip(first.model.parameters(), second.model.parameters(), strict=True)
    return all(torch.allclose(a.cpu(), b.cpu(), **tolerance) for a, b in pairs)


def test_steps_in_fixed_memory_give_the_same_parameters_to_the_bit(make_fit):
    plain, fixed = make_fit(), make_fit(cuda_graph=True)
    assert run(plain) == run(fixed)
    assert same(plain, fixed, rtol=0, atol=0)


@pytest.mark.parametrize("stop", [1, WARM_UPS + 2])
def test_a_training_in_fixed_memory_that_was_stopped_goes_on_to_the_bit(make_fit, stop):
    whole, before, after = (make_fit(cuda_graph=True) for _ in range(3))
    run(whole)
    while before.step < stop:
        before.advance()
    after.load_state_dict(before.state_dict())
    run(after)
    assert same(whole, after, rtol=0, atol=0)


def test_the_numbers_of_each_call_come_to_where_the_first_ones_lay(generator):
    seen = []

    def watch(batch, noise, settings):
        seen.append((batch.images.data_ptr(), noise.data_ptr(), settings["beta"].data_ptr()))
        return settings["beta"] * batch.images.sum() + noise.sum()

    captured, beside = Captured(watch), []
    for beta in (0.5, 2.0, 4.0):
        images, noise = (torch.rand(2, 1, 4, 4, generator=generator) for _ in range(2))
        batch = Batch(images, torch.zeros(2, 1, dtype=torch.int64), torch.ones(2).bool())
        assert captured(batch, noise, {"beta": beta}) == beta * images.sum() + noise.sum()
        beside.append(images)  # so that its memory is not given to the next one
    assert len(set(seen)) == 1


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_a_replayed_step_is_the_step_that_was_recorded(make_fit, precision):
    settings = {"device": "cuda", "precision": precision}
    plain, replayed = make_fit(**settings), make_fit(**settings, cuda_graph=True)
    for first, second in zip(run(plain), run(replayed), strict=True):
        assert second == pytest.approx(first, rel=1e-3)
    assert replayed._measures["vae"]._graph is not None
    assert same(plain, replayed, rtol=1e-2, atol=1e-3)


@pytest.mark.gpu
@needs_gpu
def test_a_replayed_step_that_is_not_finite_changes_nothing(make_fit):
    fitting = make_fit(device="cuda", cuda_graph=True)
    while fitting.step < WARM_UPS + 2:
        fitting.advance()
    with torch.no_grad():
        next(iter(fitting.model.encoder.parameters())).fill_(math.nan)
    before = {name: value.clone() for name, value in fitting.model.decoder.state_dict().items()}
    with pytest.raises(NonFiniteLossError):
        fitting.advance()
    after = fitting.model.decoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.gpu
@needs_gpu
def test_a_replayed_training_that_was_stopped_goes_on(make_fit, tmp_path):
    whole, before, after = (make_fit(device="cuda", cuda_graph=True) for _ in range(3))
    run(whole)
    while before.step < WARM_UPS + 2:
        before.advance()
    torch.save(before.state_dict(), tmp_path / "state.pt")
    after.advance()  # what is recorded or about to be must not outlive the loaded state
    after.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    run(after)
    assert same(whole, after, rtol=1e-2, atol=1e-3)
