"""What every registered thing must pass, by being registered."""

import inspect

import numpy as np
import pytest
import safetensors.torch
import torch

from distaff.audit import audit
from distaff.data import DATASETS
from distaff.metrics import METRICS
from distaff.models import MODELS, build
from distaff.types import Batch, DataSpec

MODEL_KINDS = list(MODELS)


def model_of(kind, channels, small_nets, seed=0):
    spec = DataSpec((channels, 16, 16), (3, 4), 100)
    return build(MODELS[kind].Config(latents=3, **small_nets), spec, seed=seed)


def batch_of(channels, generator):
    images = torch.rand(8, channels, 16, 16, generator=generator)
    factors = torch.randint(3, (8, 2), generator=generator)
    return Batch(images, factors, torch.zeros(8, dtype=torch.bool))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", MODEL_KINDS)
class TestModels:
    def test_terms_are_finite_and_the_same_for_the_same_noise(
        self, kind, channels, small_nets, generator
    ):
        model, batch = model_of(kind, channels, small_nets), batch_of(channels, generator)
        noise = model.sample_noise(8, generator)
        for player in model.players:
            first, second = (model.loss_terms(batch, noise, player) for _ in range(2))
            assert all(torch.isfinite(term) for term in first.values())
            assert all(torch.equal(first[name], second[name]) for name in first)

    def test_gradients_reach_exactly_the_player_s_modules(
        self, kind, channels, small_nets, generator
    ):
        model, batch = model_of(kind, channels, small_nets), batch_of(channels, generator)
        for name, player in model.players.items():
            model.zero_grad(set_to_none=True)
            terms = model.loss_terms(batch, model.sample_noise(8, generator), name)
            model.objective(terms, model.settings(5)).backward()
            reached = {p.split(".")[0] for p, v in model.named_parameters() if v.grad is not None}
            assert reached == set(player.modules)

    def test_arrays_give_arrays_and_tensors_tensors(self, kind, channels, small_nets, generator):
        model, images = model_of(kind, channels, small_nets), batch_of(channels, generator).images
        for kept, given in ((np.ndarray, images.numpy()), (torch.Tensor, images)):
            posterior = model.encode(given)
            assert isinstance(posterior.mean, kept)
            assert posterior.mean.shape == posterior.log_std.shape == (8, 3)
            assert isinstance(model.decode(posterior.mean), kept)
            assert model.reconstruct(given).shape == images.shape
            assert model.traverse(given[0], (-1.0, 1.0)).shape == (3, 2, *images.shape[1:])
        assert model.sample(5).shape == (5, *images.shape[1:])

    def test_saved_and_loaded_parameters_give_equal_images(
        self, kind, channels, small_nets, generator, tmp_path
    ):
        first, second = (model_of(kind, channels, small_nets, seed) for seed in (0, 1))
        images = batch_of(channels, generator).images
        assert not torch.equal(first.reconstruct(images), second.reconstruct(images))
        safetensors.torch.save_file(first.state_dict(), tmp_path / "model.safetensors")
        second.load_state_dict(safetensors.torch.load_file(tmp_path / "model.safetensors"))
        assert torch.equal(first.reconstruct(images), second.reconstruct(images))


@pytest.mark.parametrize(
    "thing",
    [*MODELS.values(), *DATASETS.values(), *METRICS.values()],
    ids=lambda thing: thing.__name__,
)
def test_the_docstring_cites_a_source(thing):
    assert "Reference:" in inspect.getdoc(thing)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_tells_a_perfect_code_from_noise_where_it_asks_for_that(name):
    """How near each is to its expected answer stands in tests/metrics/."""
    perfect, noise = audit(rows=900, metrics=[name], codes=["perfect", "noise"], modes=["default"])
    assert not perfect.error + noise.error
    assert perfect.ceiling is not None
    assert perfect.chance is not None
    if noise.expected is not None:
        assert perfect.value - noise.value >= 0.3 * (perfect.expected - noise.expected) - 0.05
