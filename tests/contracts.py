"""What every registered thing must pass, by being registered."""

import inspect
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from distaff.audit import audit
from distaff.data import DATASETS, data_folder, load
from distaff.experiment import experiment_from_json, to_json
from distaff.likelihoods import LIKELIHOODS
from distaff.metrics import METRICS
from distaff.models import MODELS, VAE, AbstractVAE, build
from distaff.nets import DECODERS, ENCODERS
from distaff.recipes import RECIPES
from distaff.studies import STUDIES, plan
from distaff.types import Batch, DataSpec

MODEL_KINDS = list(MODELS)
VAE_KINDS = [kind for kind, model in MODELS.items() if issubclass(model, AbstractVAE)]


def model_of(kind: Any, channels: Any, small_nets: dict[str, Any], seed: int = 0) -> Any:
    names = ("shape", "scale", "orientation", "posX", "posY")
    spec = DataSpec((channels, 16, 16), (3, 2, 4, 5, 5), 100, names)
    settings: dict[str, Any] = {"latents": 20, **small_nets} if kind in VAE_KINDS else small_nets
    known = {field.name for field in fields(MODELS[kind].Config)}
    config = MODELS[kind].Config(**{n: v for n, v in settings.items() if n in known})
    return build(config, spec, seed=seed)


def batch_of(channels: Any, generator: torch.Generator) -> Any:
    images = torch.rand(8, channels, 16, 16, generator=generator)
    factors = torch.randint(2, (8, 5), generator=generator)
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
        assert posterior.mean.shape == posterior.log_std.shape == (8, 20)
        assert isinstance(model.decode(posterior.mean, *contexts), kept)
        assert model.reconstruct(pictures, *contexts).shape == images.shape
        row = tuple(each[0] for each in contexts)  # type: ignore[index]
        assert model.traverse(pictures[0], (-1.0, 1.0), *row).shape == (20, 2, *images.shape[1:])
        samples = model.sample(8, context=contexts[0]) if contexts else model.sample(8)
        assert isinstance(samples, np.ndarray)
        assert samples.shape == images.shape


@pytest.mark.parametrize(
    "thing",
    [*MODELS.values(), *DATASETS.values(), *METRICS.values()],
    ids=lambda thing: thing.__name__,
)
def test_the_docstring_cites_a_source(thing: Any) -> None:
    assert "Reference:" in inspect.getdoc(thing)  # type: ignore[operator]


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_tells_a_perfect_code_from_noise_where_it_asks_for_that(name: str) -> None:
    """How near each is to its expected answer stands in tests/metrics/."""
    perfect, noise = audit(rows=900, metrics=[name], codes=["perfect", "noise"], modes=["default"])
    assert not perfect.error + noise.error
    assert perfect.ceiling is not None
    assert perfect.chance is not None
    if noise.expected is not None:
        assert perfect.value - noise.value >= 0.3 * (perfect.expected - noise.expected) - 0.05  # type: ignore[operator]


def own_files(name: str, folder: Path) -> dict[str, str]:
    """Makes files for the sets that read a person's own; returns the settings that name them."""
    pixels = np.random.default_rng(0).integers(256, size=(10, 16, 16), dtype=np.uint8)
    if name == "folder":
        for number, picture in enumerate(pixels):
            Image.fromarray(picture).save(folder / f"{number}.png")
        return {"path": str(folder)}
    if name == "arrays":
        np.savez(folder / "images.npz", images=pixels)
        return {"path": str(folder / "images.npz")}
    return {}


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_loads_with_its_default_settings(
    name: str, real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    for file in DATASETS[name].Config().build().files:
        if name == "fashion-mnist" and not file.path.is_file():
            pytest.skip("needs the real files of Fashion-MNIST, which not even CI has")
        real_data(str(file.path.relative_to(data_folder())))
    data = load(name, **own_files(name, tmp_path))
    assert set(data.splits) >= {"train", "validation", "test"}
    assert len(data.factor_names) == len(data.factor_sizes) == data.factors.shape[1]
    assert len(data.factor_kinds) in (0, len(data.factor_names))
    images = data.images_at([0, len(data) - 1])
    assert images.shape == (2, *data.image_shape)
    assert 0 <= images.min() <= images.max() <= 1
    assert (data.factors >= 0).all()
    assert (data.factors < torch.tensor(data.factor_sizes)).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_goes_with_every_decoder(encoder: str, decoder: str, channels: int) -> None:
    config = VAE.Config(
        latents=3, encoder=ENCODERS[encoder].Config(), decoder=DECODERS[decoder].Config()
    )
    model = build(config, DataSpec((channels, 32, 32), (), 10), seed=0)
    assert isinstance(model, VAE)
    images = torch.rand(2, channels, 32, 32)
    with torch.no_grad():
        assert model.reconstruct(images).shape == images.shape


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_likelihood_of_levels_is_a_probability_and_a_mean_is_an_image(
    name: str, generator: torch.Generator
) -> None:
    likelihood = LIKELIHOODS[name].Config().build()
    outputs = torch.randn(1, likelihood.outputs_per_channel, 4, 4, generator=generator)
    levels = (torch.arange(256) / 255)[:, None, None, None].expand(256, 1, 4, 4)
    spread = outputs.expand(256, -1, -1, -1)
    total = likelihood.log_prob_of_levels(levels, spread).double().logsumexp(dim=0)
    assert total == pytest.approx(torch.zeros(1, 4, 4).double(), abs=1e-3)
    assert likelihood.mean(outputs).shape == (1, 1, 4, 4)
    assert likelihood.sample(outputs, generator).shape == (1, 1, 4, 4)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_json(name: str) -> None:
    recipe = RECIPES[name]
    assert experiment_from_json(json.loads(json.dumps(to_json(recipe)))) == recipe


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_plans_every_training_and_every_task(name: str, tmp_path: Path) -> None:
    study = STUDIES[name]("smoke")
    steps = [step.name for step in plan(study, tmp_path)]
    assert set(study.tasks) <= set(steps)
    assert study.source.is_file()
