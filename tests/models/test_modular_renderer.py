"""The modular network: what it recovers of unseen pictures, and what it says of odd ones."""

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from scipy import special
from torch import Tensor

from distaff.data import DSprites, FactorDataset, Sprites
from distaff.data.drawing.shapes import draw_shapes
from distaff.errors import RunWarning, UsageError
from distaff.inference.recovery import sprite_recovery
from distaff.models import ModularRenderer, build
from distaff.nets.renderer.doubt import DOUBTS
from distaff.nets.renderer.extractor import polar_crop
from distaff.nets.renderer.localizer import localize
from distaff.nets.renderer.turns import log_likelihoods
from distaff.training.settings import Training
from distaff.training.trainer import fit

UNSEEN = Sprites.Config(shapes=("triangle", "crescent", "cross", "l-shape", "star"))


def trained(dataset: FactorDataset, **settings: Any) -> ModularRenderer:
    model = build(ModularRenderer.Config(**settings), dataset.spec, seed=0)
    assert isinstance(model, ModularRenderer)
    model.begin(dataset.split("train"), seed=0)
    return model.eval()


@pytest.fixture(scope="module")
def on_dsprites() -> tuple[ModularRenderer, FactorDataset]:
    dataset = DSprites.Config().build().load()
    return trained(dataset), dataset


@pytest.mark.slow
@pytest.mark.parametrize("data", [DSprites.Config(), UNSEEN], ids=["dsprites", "unseen"])
def test_shape_place_size_and_turn_of_unseen_pictures_are_recovered(data: Any) -> None:
    """The numbers that the modular network has to reach, on shapes it was not tuned on as well."""
    dataset = data.build().load()
    model = trained(dataset)
    rows = dataset.splits["test"][:1024]
    found = sprite_recovery(model, dataset, rows)
    assert model.shapes == len(dataset.factors_at(rows)[:, 1].unique())
    assert found["purity"] >= 0.99
    assert found["places within half a pixel"] >= 0.99
    assert found["scales within half a step"] >= 0.99
    assert found["mean error of turns in degrees"] < 2
    assert found["median share of wrong pixels"] < 0.01


def test_a_picture_comes_back_from_its_latents(
    on_dsprites: tuple[ModularRenderer, FactorDataset],
) -> None:
    model, dataset = on_dsprites
    images = dataset.images_at(dataset.splits["test"][:64])
    again = model.reconstruct(images)
    wrong = ((again > 0.5) != (images > 0.5)).flatten(1).sum(dim=1)
    assert float(wrong.float().median()) <= 2
    latents = torch.randn(32, 5).clamp(-2, 2)
    latents[:, 0] = torch.tensor([-0.97, 0.0, 0.97])[torch.arange(32) % 3]  # each shape, whole
    slot = model.code.sprites(latents)[0].argmax(dim=1)
    pose = model.code.sprites(latents)[1]
    kept = model.code.latents(slot, pose)
    # turns beyond a symmetry are the same picture; the shape's latent is the middle of its share
    same = torch.tensor([False, True, False, True, True])
    assert torch.allclose(kept[:, same], latents[:, same], atol=0.02)
    drawn, twice = (model.decode(some).detach() for some in (latents, kept))
    assert float((drawn - twice).abs().flatten(1).sum(dim=1).median()) < 3


def test_decoding_is_differentiable_in_every_latent(
    on_dsprites: tuple[ModularRenderer, FactorDataset],
) -> None:
    model, _ = on_dsprites
    latents = torch.tensor([[0.43, 0.1, 0.7, -0.2, 0.4]], requires_grad=True)
    (gradient,) = torch.autograd.grad(model.decode(latents).square().sum(), latents)
    assert (gradient.abs() > 0).all()


def test_samples_are_whole_sprites_of_every_shape(
    on_dsprites: tuple[ModularRenderer, FactorDataset],
) -> None:
    model, _ = on_dsprites
    found = model.sprites(model.sample(60, seed=1) > 0.5)
    assert len(found.slot.unique()) == 3
    assert float((found.doubt == 0).float().mean()) > 0.9


def two_hearts() -> Tensor:
    parts = torch.tensor([[0.7, 0.7], [0.5, 2.5], [0.0, 1.0], [0.1, 0.9]])
    return draw_shapes(torch.tensor([2, 2]), *parts).amax(dim=0, keepdim=True).float()


def test_odd_pictures_are_told_from_sprites(
    on_dsprites: tuple[ModularRenderer, FactorDataset], generator: torch.Generator
) -> None:
    model, dataset = on_dsprites
    plain = dataset.images_at(dataset.splits["test"][:200])
    noisy = (plain[:1] + 0.3 * torch.rand(plain[:1].shape, generator=generator)).clamp(0, 1)
    half, one = torch.full((1,), 0.5), torch.ones(1)
    cut = draw_shapes(torch.tensor([0]), one, 0 * one, 0 * one - 0.5, half)[None].float()
    star = draw_shapes(torch.tensor([7]), one, 0.3 * one, half, half)[None].float()
    spot = draw_shapes(torch.tensor([0]), one, 0 * one, half, half)[None].float()
    spot[..., 5:9, 5:9] = 1  # beyond the window around the square
    odd = torch.cat([torch.zeros_like(cut), cut, two_hearts()[None], noisy, star, spot])
    names = [DOUBTS[index] for index in model.doubts(odd)]
    assert names == ["empty", "cut by the border", *["unlike every template"] * 4]
    assert int((model.sprites(plain).doubt > 0).sum()) <= 2
    with pytest.warns(RunWarning, match="1 empty, 1 cut by the border, 4 unlike every template"):
        model.encode(odd)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.encode(plain[:8])


def test_more_shapes_than_slots_are_said() -> None:
    dataset = DSprites.Config().build().load()
    with pytest.warns(RunWarning, match="all 2 slots hold a shape of their own"):
        trained(dataset, slots=2, images=300)


def test_pictures_without_a_whole_sprite_are_refused() -> None:
    dataset = DSprites.Config().build().load()
    model = build(ModularRenderer.Config(images=10), dataset.spec, seed=0)
    with pytest.raises(UsageError, match="10 of 10 training pictures show a whole sprite"):
        model.begin(dataset.split("train"), seed=0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"latents": 4}, "the modular network has 5"),
        ({"slots": 0}, "slots is 0; it must be from 1 to 1024"),
        ({"reach": math.nan}, "reach is nan"),
    ],
)
def test_wrong_settings_are_refused(settings: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ModularRenderer.Config(**settings)


@pytest.mark.slow
def test_the_net_learns_shape_and_turn_from_the_exact_posterior() -> None:
    dataset = DSprites.Config().build().load()
    model = build(
        ModularRenderer.Config(posterior="feed-forward", images=1024), dataset.spec, seed=0
    )
    assert isinstance(model, ModularRenderer)
    training = Training(steps=300, validation_images=64, validate_every=300)
    fit(model, dataset.split("train"), dataset.split("validation"), training)
    rows = dataset.splits["test"][:512]
    found = sprite_recovery(model.eval(), dataset, rows)
    assert found["purity"] > 0.97
    assert found["mean error of turns in degrees"] < 15


def test_the_terms_are_those_of_a_plain_sum_over_slots_and_turns(
    on_dsprites: tuple[ModularRenderer, FactorDataset],
) -> None:
    """log p(c) = log mean over slots and turns of p(c|k, t), and KL, with NumPy and SciPy."""
    model, dataset = on_dsprites
    batch = dataset.batch_at(dataset.splits["test"][:16])
    with torch.no_grad():
        terms = model.loss_terms(batch, torch.empty(16, 0), "renderer")
        located = localize(batch.images)
        reach = model.config.reach * located.area.sqrt()
        crops = polar_crop(batch.images[:, 0], located.x, located.y, reach, radii=16, angles=128)
        every = log_likelihoods(crops, model._ring_templates(), math.pi * reach.square())
        joint = every[:, :3].flatten(1).double()
        net = model.classifier(crops).flatten(1).double().numpy()
    exact = special.softmax(joint.numpy(), axis=1)
    marginal = np.log(np.exp(joint.numpy()).mean(axis=1))
    assert float(terms["nll"]) == pytest.approx(-marginal.mean(), rel=1e-4)
    shares = special.softmax(net, axis=1)[:, : joint.shape[1]]
    assert float(terms["kl"]) == pytest.approx(
        special.rel_entr(exact, shares).sum(axis=1).mean(), rel=1e-4
    )


@pytest.mark.slow
def test_gradient_descent_from_random_templates_learns_shapes_as_well() -> None:
    dataset = Sprites.Config(shapes=("heart", "star")).build().load()
    model = trained(dataset, learning="gradient", slots=6, images=1024)
    found = sprite_recovery(model, dataset, dataset.splits["test"][:512])
    assert model.shapes == 2
    assert found["purity"] >= 0.99
    assert found["mean error of turns in degrees"] < 2
