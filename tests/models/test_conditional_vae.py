from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from distaff.data import FactorDataset, load
from distaff.errors import UsageError
from distaff.inference.encode import posterior_of
from distaff.inference.interpolate import interpolations
from distaff.models import VAE, ConditionalVAE, build
from distaff.models.conditional_vae import one_hot
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.training import Training
from distaff.training.trainer import Trainer
from distaff.types import Batch, DataSpec

SPEC = DataSpec((1, 16, 16), (1, 3, 4), 100, ("colour", "shape", "scale"))
DENSE: dict[str, Any] = {
    "encoder": DenseEncoder.Config(hidden=(16,)),
    "decoder": DenseDecoder.Config(hidden=(16,)),
}


@pytest.fixture
def dataset() -> Any:
    return load("sprites", size=16, orientations=1, scales=2, positions_x=8, positions_y=8)


@pytest.fixture(params=["dense", "convolutional"])
def model(request: pytest.FixtureRequest, small_nets: dict[str, Any]) -> Any:
    nets = DENSE if request.param == "dense" else small_nets
    return build(ConditionalVAE.Config(latents=3, factor="scale", **nets), SPEC, seed=0)


def test_one_hot_has_a_one_in_the_place_of_the_index_and_none_where_it_is_unknown() -> None:
    rows = one_hot(torch.tensor([2, 0, -1]), 3)
    assert rows.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]


def test_the_factor_is_given_by_name_or_is_the_first_that_varies(
    small_nets: dict[str, Any],
) -> None:
    def size(factor: Any) -> Any:
        config = ConditionalVAE.Config(factor=factor, **small_nets)
        return build(config, SPEC, seed=0).context_size

    assert (size(None), size("shape"), size("scale"), size("colour")) == (3, 3, 4, 1)
    with pytest.raises(UsageError, match=r"no factor digit.*it has colour, shape, scale"):
        size("digit")
    with pytest.raises(UsageError, match=r"no factor that varies.*it has none"):
        build(ConditionalVAE.Config(**small_nets), DataSpec((1, 16, 16), (), 100), seed=0)


def test_a_conditional_model_refuses_a_missing_context_and_another_model_a_given_one(
    model: Any, small_nets: dict[str, Any]
) -> None:
    images, latents, context = torch.rand(2, 1, 16, 16), torch.zeros(2, 3), torch.eye(4)[:2]
    asked = (
        lambda m, *c: m.encode(images, *c),
        lambda m, *c: m.decode(latents, *c),
        lambda m, *c: m.log_likelihood(images, latents, *c),
        lambda m, *c: m.reconstruct(images, *c),
        lambda m, *c: m.sample(2, **({"context": c[0]} if c else {})),
    )
    plain: Any = build(VAE.Config(latents=3, **small_nets), SPEC, seed=0)
    for ask in asked:
        with pytest.raises(UsageError, match=r"is conditional.*give one of \(2, 4\)"):
            ask(model)  # type: ignore[no-untyped-call]
        with pytest.raises(UsageError, match=r"context has the shape \(2, 3\)"):
            ask(model, context[:, :3])  # type: ignore[no-untyped-call]
        with pytest.raises(UsageError, match="not conditional; leave out the context"):
            ask(plain, context)  # type: ignore[no-untyped-call]
        ask(model, context)  # type: ignore[no-untyped-call]
        ask(plain)  # type: ignore[no-untyped-call]


def around_the_context(net: Any) -> Any:
    """The layers before the one that the context comes into, that one, and those after it."""
    layers = list(net)
    place = next((i + 1 for i, x in enumerate(layers) if isinstance(x, torch.nn.Flatten)), 0)
    before, after = (torch.nn.Sequential(*some) for some in (layers[:place], layers[place + 1 :]))
    return before, layers[place], after


def test_each_value_of_the_context_has_a_bias_of_its_own(model: Any) -> None:
    """One-hot beside other inputs of a linear layer picks a column of its weights; the 1 is
    multiplied by 2, so that the mean square of the four numbers is that of a latent."""
    images, latents, context = torch.rand(4, 1, 16, 16), torch.randn(4, 3), torch.eye(4)

    def by_hand(net: Any, inputs: Any) -> Any:
        before, layer, after = around_the_context(net)
        weight, biases = layer.weight[:, :-4], 2 * layer.weight[:, -4:].T + layer.bias
        return after(before(inputs) @ weight.T + biases)

    mean = model.encode(images, context).mean
    assert torch.allclose(mean, by_hand(model.encoder, images)[:, :3], atol=1e-5)
    decoded = model.decode(latents, context)
    assert torch.allclose(decoded, by_hand(model.decoder, latents).sigmoid(), atol=1e-5)


def test_gradients_reach_the_weights_of_the_values_that_were_shown(model: Any) -> None:
    factors = torch.tensor([[0, 0, 1], [0, 0, 3]])
    batch = Batch(torch.rand(2, 1, 16, 16), factors, torch.ones(2, dtype=torch.bool))
    terms = model.loss_terms(batch, torch.randn(2, 3), "vae")
    model.objective(terms, {}).backward()
    for net in (model.encoder, model.decoder):
        _, layer, _ = around_the_context(net)
        used = layer.weight.grad[:, -4:].abs().sum(dim=0) > 0
        assert used.tolist() == [False, True, False, True]


def test_factors_that_the_model_may_not_see_change_nothing(model: Any) -> None:
    images, noise = torch.rand(2, 1, 16, 16), torch.randn(2, 3)

    def bound(values: Any, labelled: Any) -> Any:
        factors = torch.tensor([[0, 0, value] for value in values])
        terms = model.loss_terms(Batch(images, factors, torch.tensor(labelled)), noise, "vae")
        return model.objective(terms, {}).item()

    assert bound([1, 2], [True, False]) == bound([1, 3], [True, False])
    assert bound([1, 2], [True, True]) != bound([1, 3], [True, True])


def test_values_out_of_range_are_refused(model: Any) -> None:
    assert model.context_of(np.array([3, 0])).tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]
    with pytest.raises(UsageError, match="there is no value 4 of this factor; it has 0, 1, 2, 3"):
        model.context_of([1, 4])


def test_unconditional_dense_nets_start_from_the_numbers_they_always_had() -> None:
    spec = DataSpec((1, 4, 4), (), 10)
    config = VAE.Config(
        latents=2,
        encoder=DenseEncoder.Config(hidden=(8, 8)),
        decoder=DenseDecoder.Config(hidden=(8,)),
    )
    model: Any = build(config, spec, seed=3)
    torch.manual_seed(3)
    sizes = ((16, 8), (8, 8), (8, 4), (2, 8), (8, 16))
    by_hand = [
        p for inside, outside in sizes for p in torch.nn.Linear(inside, outside).parameters()
    ]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), by_hand, strict=True))
    images = torch.rand(3, 1, 4, 4)
    hidden = functional.relu(functional.linear(images.flatten(1), *by_hand[:2]))
    hidden = functional.relu(functional.linear(hidden, *by_hand[2:4]))
    assert torch.equal(model.encode(images).mean, functional.linear(hidden, *by_hand[4:6])[:, :2])
    latents = torch.randn(3, 2)
    outputs = functional.linear(functional.linear(latents, *by_hand[6:8]).tanh(), *by_hand[8:])
    assert torch.equal(model.decode(latents).flatten(1), outputs.sigmoid())


def test_unconditional_convolutional_nets_start_from_the_numbers_they_always_had(
    small_nets: dict[str, Any],
) -> None:
    model: Any = build(VAE.Config(latents=3, **small_nets), SPEC, seed=0)
    torch.manual_seed(0)
    encoder = [torch.nn.Conv2d(1, 4, 4), torch.nn.Conv2d(4, 4, 4)]
    encoder += [torch.nn.Linear(64, 16), torch.nn.Linear(16, 6)]  # type: ignore[list-item]
    for layer in encoder:
        torch.nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    weights = [p for name, p in model.encoder.named_parameters() if name.endswith("weight")]
    assert all(torch.equal(a, b.weight) for a, b in zip(weights, encoder, strict=True))


def test_fit_shows_the_factor_to_a_conditional_model_and_to_no_other(
    dataset: FactorDataset, small_nets: dict[str, Any]
) -> None:
    training = Training(steps=30, batch_size=16, device="cpu", log_every=30, validate_every=30)
    for config, labelled in ((ConditionalVAE.Config, True), (VAE.Config, False)):
        model: Any = build(config(latents=3, **small_nets), dataset.split("train").spec, seed=0)
        trainer = Trainer(
            model, dataset.split("train"), dataset.split("validation"), training, seed=0
        )
        assert trainer.batches.at(trainer.current_step).labelled.tolist() == [labelled] * 16
        before = model.decoder[0].weight[:, 3:].clone()
        while not trainer.finished:
            trainer.step()
        if labelled:
            assert not torch.equal(model.decoder[0].weight[:, 3:], before)
            trainer.model.supervised = False  # type: ignore[misc]
            blind = trainer.validate(trainer.validation, 16)["objective"]
            trainer.model.supervised = True  # type: ignore[misc]
            assert trainer.validate(trainer.validation, 16)["objective"] != blind


def test_codes_and_interpolations_of_a_conditional_model_use_the_images_own_values(
    dataset: FactorDataset, small_nets: dict[str, Any]
) -> None:
    model: Any = build(ConditionalVAE.Config(latents=3, **small_nets), dataset.spec, seed=0).eval()
    rows = torch.tensor([0, 1, len(dataset) - 2, len(dataset) - 1])
    part = dataset.subset(rows)
    images, values = part.images_at(range(4)), part.factors[:, model.factor]
    assert len(set(values.tolist())) > 1
    context = model.context_of(values.numpy())
    with torch.no_grad():
        posterior = model.encode(images, context)
        assert torch.allclose(posterior_of(model, part).mean, posterior.mean, atol=1e-6)
        left, right = slice(0, 2), slice(2, 4)
        between = interpolations(
            model,
            model.encode(images[left], context[left]),
            model.encode(images[right], context[right]),
            (0.0, 0.5, 1.0),
            generator=torch.Generator().manual_seed(3),
            contexts=(context[left], context[right]),
        )
        generator = torch.Generator().manual_seed(3)
        latents = posterior.sample(
            torch.cat([torch.randn(2, 3, generator=generator) for _ in range(2)])
        )
        for place, weight in enumerate((0.0, 0.5, 1.0)):
            z, c = (torch.lerp(x[left], x[right], weight) for x in (latents, context))
            expected = model.decode(z, c)
            assert torch.allclose(torch.from_numpy(between[:, place]), expected, atol=1e-5)


def test_traversals_keep_the_context(model: Any) -> None:
    image, context = torch.rand(1, 16, 16), torch.eye(4)[2]
    with torch.no_grad():
        moved = model.traverse(image, (-2.0, 0.5), context)
        code = model.encode(image[None], context[None]).mean
        code[0, 1] = 0.5
        assert torch.allclose(moved[1, 1], model.decode(code, context[None])[0], atol=1e-6)


def test_training_learns_to_draw_the_value_that_is_asked_for(generator: torch.Generator) -> None:
    """Two images, one for each value: the context alone says which, and the latents need not."""
    patterns = torch.zeros(2, 1, 4, 4)
    patterns[0, :, :2], patterns[1, :, 2:] = 1, 1
    config = ConditionalVAE.Config(latents=2, **DENSE)
    model: Any = build(config, DataSpec((1, 4, 4), (2,), 2, ("half",)), seed=0)
    batch = Batch(patterns, torch.tensor([[0], [1]]), torch.ones(2, dtype=torch.bool))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(150):
        terms = model.loss_terms(batch, model.sample_noise(2, generator), "vae")
        optimizer.zero_grad()
        model.objective(terms, {}).backward()
        optimizer.step()
    assert terms["kl"].item() < 0.1
    drawn = model.sample(6, context=model.context_of([0, 1] * 3))
    assert torch.allclose(torch.from_numpy(drawn), patterns.repeat(3, 1, 1, 1), atol=0.1)
