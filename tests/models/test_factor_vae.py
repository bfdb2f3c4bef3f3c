"""The discriminator's estimate against closed forms, and two players in one training."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from distaff.data import FactorDataset, load
from distaff.models import FactorVAE
from distaff.models.factor_vae import permuted
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.probability.gaussian import DiagonalGaussian
from distaff.training import Trainer, Training
from distaff.types import Batch, DataSpec

SMALL: dict[str, Any] = {"discriminator_units": 64, "discriminator_layers": 2}
NETS: dict[str, Any] = {
    "encoder": DenseEncoder.Config(hidden=(8,)),
    "decoder": DenseDecoder.Config(hidden=(8,)),
}


def correlated(count: int, correlation: float, generator: torch.Generator) -> Tensor:
    first, second = torch.randn(2, count, generator=generator)
    other = correlation * first + math.sqrt(1 - correlation**2) * second
    return torch.stack([first, other], dim=1)


def as_batch(codes: Tensor) -> Batch:
    """Codes as images of two pixels, which the encoder below passes on."""
    images = codes[:, None, None, :]
    return Batch(images, torch.zeros(len(codes), 0, dtype=torch.int64), torch.zeros(len(codes)) > 0)


def trained_on(correlation: float, monkeypatch: pytest.MonkeyPatch) -> FactorVAE:
    """A model whose codes are given, its discriminator trained as the paper says."""
    torch.manual_seed(0)
    model = FactorVAE(FactorVAE.Config(latents=2, **NETS, **SMALL), DataSpec((1, 1, 2), (), 100))

    def exact(images: Tensor, _: Any = None) -> DiagonalGaussian:
        codes = images.flatten(1)
        return DiagonalGaussian(codes, torch.full_like(codes, -30.0))

    monkeypatch.setattr(model, "posterior", exact)
    player = model.players["discriminator"]
    optimizer = torch.optim.Adam(model.discriminator.parameters(), lr=1e-3, betas=(0.5, 0.9))
    generator = torch.Generator().manual_seed(1)
    for step in range(1500):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * 0.5 * (1 + math.cos(math.pi * step / 1500))
        batch = as_batch(correlated(1024, correlation, generator))
        noise = model.noise_of("discriminator", 1024, generator)
        terms = model.loss_terms(batch, noise, "discriminator")
        optimizer.zero_grad()
        player.objective(terms, {}).backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_the_total_correlation_of_gaussian_codes_is_the_closed_form(
    correlation: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained_on(correlation, monkeypatch)
    codes = correlated(50_000, correlation, torch.Generator().manual_seed(2))
    noise = torch.zeros_like(codes)
    found = model.loss_terms(as_batch(codes), noise, "vae")["total_correlation"].item()
    assert found == pytest.approx(-0.5 * math.log(1 - correlation**2), abs=0.04)


def test_the_logits_differ_by_the_log_of_the_density_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    rho = 0.7
    model = trained_on(rho, monkeypatch)
    codes = correlated(20_000, rho, torch.Generator().manual_seed(2))
    x, y = codes.unbind(dim=1)
    square = (rho**2 * (x**2 + y**2) - 2 * rho * x * y) / (2 * (1 - rho**2))
    expected = -0.5 * math.log(1 - rho**2) - square
    with torch.no_grad():
        logits = model.discriminator(codes)
    error = (logits[:, 0] - logits[:, 1]) - expected
    central = codes.abs().amax(dim=1) < 2
    assert error[central].square().mean().sqrt() < 0.1


def test_permuted_codes_keep_each_latent_and_nothing_between_them() -> None:
    generator = torch.Generator().manual_seed(0)
    codes = correlated(4000, 0.95, generator)
    product = permuted(codes, torch.randn(codes.shape, generator=generator))
    assert torch.equal(product.sort(dim=0).values, codes.sort(dim=0).values)
    assert abs(torch.corrcoef(product.T)[0, 1]) < 4 / math.sqrt(4000)
    assert torch.corrcoef(codes.T)[0, 1] > 0.9


def trainer_of(steps: int) -> Trainer:
    data: FactorDataset = load("sprites", size=16, positions_x=8, positions_y=8)
    train = data.split("train")
    torch.manual_seed(0)
    model = FactorVAE(FactorVAE.Config(latents=3, **NETS, **SMALL), train.spec)
    training = Training(
        steps=steps, batch_size=16, log_every=2, validate_every=4, validation_images=40
    )
    return Trainer(model, train, data.split("validation"), training, seed=3)


def test_the_permuted_codes_come_from_images_that_the_other_player_does_not_see() -> None:
    trainer = trainer_of(4)
    shared, own = trainer.batches.at(0), trainer.own_batches["discriminator"].at(0)
    assert not torch.equal(shared.images, own.images)
    assert torch.equal(own.images, trainer.own_batches["discriminator"].at(0).images)


def test_terms_and_objectives_of_both_players_are_logged_and_validated() -> None:
    trainer = trainer_of(4)
    records = [record for _ in range(4) for record in trainer.step()]
    named = {
        "reconstruction",
        "kl",
        "total_correlation",
        "objective",
        "discriminator",
        "discriminator objective",
    }
    assert [record["split"] for record in records] == ["train", "train", "validation"]
    for record in records:
        assert named <= record.keys()
        assert record["discriminator objective"] == record["discriminator"]
        whole = record["reconstruction"] + record["kl"] + 10 * record["total_correlation"]
        assert record["objective"] == pytest.approx(whole, rel=1e-5)


def test_a_resumed_training_of_two_players_ends_in_the_same_bits() -> None:
    whole, first, second = (trainer_of(6) for _ in range(3))
    for _ in range(6):
        whole.step()
    for _ in range(3):
        first.step()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for _ in range(3):
        second.step()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name])
