"""What every registered thing must pass, by being registered."""

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from distaff.audit import audit
from distaff.data import DATASETS
from distaff.metrics import METRICS
from distaff.models import MODELS, AbstractVAE, build
from distaff.types import Batch, DataSpec

MODEL_KINDS = list(MODELS)
VAE_KINDS = [kind for kind, model in MODELS.items() if issubclass(model, AbstractVAE)]


def model_of(kind: Any, channels: Any, small_nets: dict[str, Any], seed: int = 0) -> Any:
    spec = DataSpec((channels, 16, 16), (3, 4), 100)
    settings = {"latents": 3, **small_nets}
    known = {field.name for field in fields(MODELS[kind].Config)}
    config = MODELS[kind].Config(**{n: v for n, v in settings.items() if n in known})
    return build(config, spec, seed=seed)


def batch_of(channels: Any, generator: torch.Generator) -> Any:
    images = torch.rand(8, channels, 16, 16, generator=generator)
    factors = torch.randint(3, (8, 2), generator=generator)
    return Batch(images, factors, torch.ones(8, dtype=torch.bool))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", MODEL_KINDS)
class TestModels:
    def test_terms_are_finite_and_the_same_for_the_same_noise(
        self, kind: str, channels: int, small_nets: dict[str, Any], generator: torch.Generator
    ) -> None:
        model, batch = model_of(kind, channels, small_nets), batch_of(channels, generator)
        for player in model.players:
            noise = model.noise_of(player, 8, generator)
            first, second = (model.loss_terms(batch, noise, player) for _ in range(2))
            assert all(torch.isfinite(term) for term in first.values())
            assert all(torch.equal(first[name], second[name]) for name in first)

    def test_gradients_reach_exactly_the_player_s_modules(
        self, kind: str, channels: int, small_nets: dict[str, Any], generator: torch.Generator
    ) -> None:
        model, batch = model_of(kind, channels, small_nets), batch_of(channels, generator)
        for name, player in model.players.items():
            model.zero_grad(set_to_none=True)
            terms = model.loss_terms(batch, model.noise_of(name, 8, generator), name)
            player.objective(terms, model.settings(5)).backward()
            reached = {p.split(".")[0] for p, v in model.named_parameters() if v.grad is not None}
            assert reached == set(player.modules)

    def test_saved_and_loaded_parameters_give_equal_terms(
        self,
        kind: str,
        channels: int,
        small_nets: dict[str, Any],
        generator: torch.Generator,
        tmp_path: Path,
    ) -> None:
        first, second = (model_of(kind, channels, small_nets, seed) for seed in (0, 1))
        batch = batch_of(channels, generator)
        noise = {player: first.noise_of(player, 8, generator) for player in first.players}

        def same() -> list[bool]:
            return [
                torch.equal(value, second.loss_terms(batch, noise[player], player)[name])
                for player in first.players
                for name, value in first.loss_terms(batch, noise[player], player).items()
            ]

        assert not any(same())
        safetensors.torch.save_file(first.state_dict(), tmp_path / "model.safetensors")
        second.load_state_dict(safetensors.torch.load_file(tmp_path / "model.safetensors"))
        assert all(same())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", VAE_KINDS)
def test_arrays_give_arrays_and_tensors_tensors(
    kind: str, channels: int, small_nets: dict[str, Any], generator: torch.Generator
) -> None:
    model, batch = model_of(kind, channels, small_nets), batch_of(channels, generator)
    images, context = batch.images, model.context_from(batch.factors)
    given = () if context is None else (context,)
    for kept, convert in ((np.ndarray, torch.Tensor.numpy), (torch.Tensor, torch.Tensor.clone)):
        pictures, contexts = convert(images), tuple(map(convert, given))
        posterior = model.encode(pictures, *contexts)
        assert isinstance(posterior.mean, kept)
        assert posterior.mean.shape == posterior.log_std.shape == (8, 3)
        assert isinstance(model.decode(posterior.mean, *contexts), kept)
        assert model.reconstruct(pictures, *contexts).shape == images.shape
        row = tuple(each[0] for each in contexts)
        assert model.traverse(pictures[0], (-1.0, 1.0), *row).shape == (3, 2, *images.shape[1:])
        samples = model.sample(8, context=contexts[0]) if contexts else model.sample(8)
        assert samples.shape == images.shape


@pytest.mark.parametrize(
    "thing",
    [*MODELS.values(), *DATASETS.values(), *METRICS.values()],
    ids=lambda thing: thing.__name__,
)
def test_the_docstring_cites_a_source(thing: Any) -> None:
    assert "Reference:" in inspect.getdoc(thing)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_tells_a_perfect_code_from_noise_where_it_asks_for_that(name: str) -> None:
    """How near each is to its expected answer stands in tests/metrics/."""
    perfect, noise = audit(rows=900, metrics=[name], codes=["perfect", "noise"], modes=["default"])
    assert not perfect.error + noise.error
    assert perfect.ceiling is not None
    assert perfect.chance is not None
    if noise.expected is not None:
        assert perfect.value - noise.value >= 0.3 * (perfect.expected - noise.expected) - 0.05
