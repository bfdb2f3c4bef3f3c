"""The training step that ships against a plain loop, for all that can be put together.

The plain loop has no fast path in it: contiguous memory, `loss.backward()`, PyTorch's own layers
in place of those that are faster, and Adam that is neither fused nor takes all tensors at once.
"""

import copy
from dataclasses import fields
from itertools import product
from typing import Any

import pytest
import torch
from joblib import Parallel, delayed
from torch import nn

from distaff.data import FactorDataset
from distaff.data.sources import StoredImages
from distaff.likelihoods import LIKELIHOODS
from distaff.models import MODELS, AbstractVAE, build
from distaff.nets import DECODERS, ENCODERS
from distaff.nets.spatial_broadcast import CoordConv
from distaff.nets.upconvolution import UpConvolution
from distaff.training import Training
from distaff.training.trainer import Trainer
from distaff.types import Batch

VAE_KINDS = [kind for kind, model in MODELS.items() if issubclass(model, AbstractVAE)]
SMALL: dict[str, Any] = {"widths": (4, 6, 4, 6), "hidden": (8,), "width": 8, "blocks": 1}
FEW: dict[str, Any] = {
    "latents": 4,
    "samples": 2,
    "discriminator_units": 8,
    "discriminator_layers": 2,
}
IMAGES, BATCH, STEPS, RATE = 12, 4, 10, 1e-3
SEED = 3
ROUNDING = 0.2
"""Of what a weight moved. Adam divides each gradient by its own size, so that one that is all but 0
may turn by rounding, in one weight of a hundred: here the largest are 0.06. Weights that are moved
by the gradients of other ones differ by more than 1."""


def small(config_type: Any) -> Any:
    known = {field.name for field in fields(config_type)}
    return config_type(**{name: value for name, value in SMALL.items() if name in known})


def model_of(kind: Any, decoder: Any, likelihood: Any, data: Any) -> Any:
    nets: dict[str, Any] = {
        "encoder": small(ENCODERS.get(decoder, ENCODERS["convolutional"]).Config),
        "decoder": small(DECODERS[decoder].Config),
        "likelihood": LIKELIHOODS[likelihood].Config(),
        **FEW,
    }
    known = {field.name for field in fields(MODELS[kind].Config)}
    config = MODELS[kind].Config(**{n: v for n, v in nets.items() if n in known})
    return build(config, data.spec, seed=SEED)


def images_of(channels: Any, size: Any) -> Any:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (IMAGES, channels, size, size), generator=generator)
    factors = torch.arange(IMAGES)[:, None] % 3
    return FactorDataset(
        source=StoredImages(pixels.to(torch.uint8)),
        factors=factors.to(torch.int16),
        values=factors.double(),
        factor_names=("digit",),
        factor_sizes=(3,),
        image_shape=(channels, size, size),
        splits={},
    )


def plain(model: Any, dtype: Any) -> Any:
    """The same model without anything that is there to be fast."""
    model = copy.deepcopy(model).to(dtype)
    for module in model.modules():
        if isinstance(module, UpConvolution):
            module.__class__ = nn.ConvTranspose2d  # type: ignore[assignment]
        if isinstance(module, CoordConv):
            module.of_tiled = lambda latents, height, width, module=module: module(  # type: ignore[method-assign, misc]
                latents[:, :, None, None].expand(-1, -1, height, width)
            )
    return model


class PlainTraining:
    """A model in training on the batches and the noise of `trainer`, one plain step at a time."""

    def __init__(self, trainer: Any, model: Any, dtype: Any, autocast: bool = False) -> None:
        self.model, self.dtype, self.autocast = plain(model, dtype).train(), dtype, autocast
        self.batches, self.own_batches = trainer.batches, trainer.own_batches
        self.generator = torch.Generator().manual_seed(SEED)
        self.optimizers = {
            name: torch.optim.Adam(
                [p for part in player.modules for p in self.model.get_submodule(part).parameters()],
                lr=player.optimizer.learning_rate if player.optimizer else RATE,
                betas=player.optimizer.betas if player.optimizer else (0.9, 0.999),
                fused=False,
                foreach=False,
            )
            for name, player in self.model.players.items()
        }

    def advance(self, step: Any) -> None:
        for name, optimizer in self.optimizers.items():
            batches = [self.batches.at(step)]
            if self.model.players[name].own_batch:
                batches.append(self.own_batches[name].at(step))
            batch = Batch(*map(torch.cat, zip(*batches, strict=True)))
            batch = batch._replace(images=batch.images.contiguous().to(self.dtype))
            noise = self.model.noise_of(name, len(batch.images), self.generator).to(self.dtype)
            self.model.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.autocast):
                terms = self.model.loss_terms(batch, noise, name)
            player = self.model.players[name]
            player.objective(terms, self.model.settings(step)).backward()
            optimizer.step()


def started(model: Any, data: Any, **settings: Any) -> Any:
    training = Training(
        steps=STEPS + 1,  # so that no images are validated
        batch_size=BATCH,
        learning_rate=RATE,
        validate_every=STEPS + 2,
        device="cpu",
        **settings,
    )
    return Trainer(copy.deepcopy(model), data, data, training, seed=SEED)


def largest_difference(ours: Any, theirs: Any, begin: Any) -> Any:
    """Of how far the weights of a parameter moved, relative to how far they should."""
    moved = {name: value.double() - begin[name] for name, value in ours.state_dict().items()}
    expected = {name: value.double() - begin[name] for name, value in theirs.state_dict().items()}
    return max(
        ((moved[name] - expected[name]).norm() / expected[name].norm().clamp(min=1e-12)).item()
        for name in begin
    )


def differences(model: Any, data: Any, dtype: Any = torch.float32, **settings: Any) -> Any:
    """From the plain loop, after one step and after all of them."""
    begin = {name: value.double().clone() for name, value in model.state_dict().items()}
    trainer = started(model, data, **settings)
    loop = PlainTraining(trainer, model, dtype)
    found = []
    for step in range(STEPS):
        trainer.step()
        loop.advance(step)
        if step in (0, STEPS - 1):
            found.append(largest_difference(trainer.model, loop.model, begin))
    return found


def beyond_rounding(model: Any, data: Any) -> Any:
    """How far the shipped steps lie from the plain ones, after one step and after all of them.

    From those in float32; and from those in float64, less twice what the plain ones in float32 lie
    from these: where a sum of gradients is all but 0, Adam makes a whole step of its rounding.
    """
    begin = {name: value.double().clone() for name, value in model.state_dict().items()}
    trainer = started(model, data)
    single, double = (PlainTraining(trainer, model, t) for t in (torch.float32, torch.float64))
    found = []
    for step in range(STEPS):
        trainer.step()
        single.advance(step)
        double.advance(step)
        if step in (0, STEPS - 1):
            rounding = largest_difference(single.model, double.model, begin)
            found.append(largest_difference(trainer.model, single.model, begin))
            found.append(largest_difference(trainer.model, double.model, begin) - 2 * rounding)
    return found


def worst_difference(kind: Any, decoder: Any, likelihood: Any, channels: Any, size: Any) -> Any:
    torch.set_num_threads(1)
    data = images_of(channels, size)
    return max(beyond_rounding(model_of(kind, decoder, likelihood, data), data))


@pytest.mark.slow
@pytest.mark.parametrize("kind", VAE_KINDS)
def test_the_step_that_ships_is_that_of_a_plain_loop(kind: str) -> None:
    """In processes of their own, which check no types and so take a fifth of the time."""
    cases = list(product(DECODERS, LIKELIHOODS, (1, 3), (28, 32, 64)))
    found = Parallel(n_jobs=-1)(delayed(worst_difference)(kind, *case) for case in cases)
    wrong = {case: worst for case, worst in zip(cases, found, strict=True) if not worst < ROUNDING}
    assert not wrong


@pytest.mark.parametrize("size", [28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("net", DECODERS)
@pytest.mark.parametrize("kind", VAE_KINDS)
def test_it_is_so_for_each_net_with_types_checked(
    kind: str, net: Any, channels: int, size: int
) -> None:
    data = images_of(channels, size)
    model: Any = model_of(kind, net, "learned-gaussian", data)
    assert max(differences(model, data)) < ROUNDING


@pytest.mark.parametrize("decoder", ["convolutional", "spatial-broadcast"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_step_in_fixed_memory_is_that_of_a_plain_loop(decoder: str, channels: int) -> None:
    data = images_of(channels, 32)
    model: Any = model_of("annealed-vae", decoder, "learned-gaussian", data)
    assert max(differences(model, data, cuda_graph=True)) < ROUNDING


@pytest.mark.parametrize("decoder", ["convolutional", "spatial-broadcast", "dense"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_step_in_bfloat16_goes_where_that_of_a_plain_loop_goes(
    decoder: str, channels: int
) -> None:
    """How far 8 bits of mantissa lead away from float32 is the processor's: PyTorch's own layers in
    bfloat16 say it, and the shipped steps may go no further."""
    data = images_of(channels, 32)
    model: Any = model_of("vae", decoder, "learned-gaussian", data)
    begin = {name: value.double().clone() for name, value in model.state_dict().items()}
    trainer = started(model, data, precision="bfloat16")
    coarse, fine = (
        PlainTraining(trainer, model, torch.float32, narrow) for narrow in (True, False)
    )
    for step in range(STEPS):
        trainer.step()
        coarse.advance(step)
        fine.advance(step)
    rounding = largest_difference(coarse.model, fine.model, begin)
    assert largest_difference(trainer.model, fine.model, begin) < rounding + ROUNDING


def test_weights_that_are_moved_by_the_gradients_of_others_are_seen() -> None:
    data = images_of(3, 32)
    model: Any = model_of("vae", "convolutional", "bernoulli", data)
    begin = {name: value.double().clone() for name, value in model.state_dict().items()}
    trainer = started(model, data)
    loop = PlainTraining(trainer, model, torch.float32)
    trainer.step()
    loop.advance(0)
    weight = loop.model.decoder[-1].weight
    with torch.no_grad():
        moved = weight - model.decoder[-1].weight
        weight.sub_(moved).add_(moved.flatten().flip(0).reshape(moved.shape))
    assert largest_difference(trainer.model, loop.model, begin) > 0.5
