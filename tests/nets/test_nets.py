from collections.abc import Iterator
from typing import Any

import pytest
import torch

from distaff.errors import UsageError
from distaff.models import VAE, build
from distaff.nets import (
    DECODERS,
    ENCODERS,
    ConvolutionalDecoder,
    ConvolutionalEncoder,
    DenseDecoder,
    DenseEncoder,
)
from distaff.nets.halving import halved
from distaff.types import Batch, DataSpec

BURGESS = {"widths": (32, 32, 32, 32), "hidden": (256, 256)}


def parameters(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(
    ("config", "latents", "channels", "encoder", "decoder"),
    [
        ({}, 32, 1, 394_240, 386_945),
        ({}, 32, 3, 395_264, 387_971),
        ({}, 10, 1, 382_932, 381_313),
        (BURGESS, 10, 1, 252_052, 249_953),
    ],
)
def test_convolutional_nets_have_the_papers_number_of_parameters(
    config: Any, latents: int, channels: int, encoder: int, decoder: int
) -> None:
    shape = (channels, 64, 64)
    encoder_net = ConvolutionalEncoder(ConvolutionalEncoder.Config(**config), shape, 2 * latents)
    decoder_net = ConvolutionalDecoder(ConvolutionalDecoder.Config(**config), latents, shape)
    assert (parameters(encoder_net), parameters(decoder_net)) == (encoder, decoder)


def test_dense_nets_have_the_papers_number_of_parameters() -> None:
    shape = (1, 64, 64)
    assert parameters(DenseEncoder(DenseEncoder.Config(), shape, 20)) == 6_381_620
    assert parameters(DenseDecoder(DenseDecoder.Config(), 10, shape)) == 7_814_896


@pytest.mark.parametrize("digits", [0, 10])
def test_the_homework_s_dense_nets_have_the_parameters_counted_by_hand(digits: int) -> None:
    """Flatten, three layers of H with ReLU, mean and variance; the class beside image and z."""
    units, latents, pixels = 50, 8, 784
    config: dict[str, Any] = {"hidden": (units,) * 3, "activation": "relu"}
    inner = 2 * (units * units + units)
    encoder = DenseEncoder(DenseEncoder.Config(**config), (1, 28, 28), 2 * latents, digits)
    expected = (pixels + digits) * units + units + inner + 2 * latents * units + 2 * latents
    assert parameters(encoder) == expected
    decoder = DenseDecoder(DenseDecoder.Config(**config), latents + digits, (1, 28, 28))
    expected = (latents + digits) * units + units + inner + pixels * units + pixels
    assert parameters(decoder) == expected
    for net in (encoder, decoder):
        assert sum(isinstance(layer, torch.nn.ReLU) for layer in net) == 3


def test_he_relu_keeps_the_size_of_a_signal_and_plain_relu_shrinks_it(
    generator: torch.Generator,
) -> None:
    """He et al. 2015, equation 10: with a variance of 2 over the inputs, E[y^2] stays E[x^2]."""
    torch.manual_seed(0)
    images = torch.rand(256, 1, 28, 28, generator=generator)

    def size(activation: Any) -> Any:
        config = DenseEncoder.Config(hidden=(1000, 1000, 1000), activation=activation)
        return DenseEncoder(config, (1, 28, 28), 1000)(images).square().mean().item()

    # the last layer is as PyTorch draws it, with a variance of 1/3 over the inputs
    assert size("he-relu") == pytest.approx(images.square().mean().item() / 3, rel=0.3)
    assert size("relu") < 0.05 * size("he-relu")


@pytest.mark.parametrize(
    "size",
    [
        (28, 28),
        (32, 32),
        (64, 64),
        (128, 128),
        (12, 12),
        (20, 32),
        (100, 100),
        (109, 89),
        (33, 47),
        (5, 7),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ENCODERS)
def test_nets_take_and_give_any_size(kind: str, channels: int, size: Any) -> None:
    shape = (channels, *size)
    images = torch.rand(2, *shape)
    encoder = ENCODERS[kind](ENCODERS[kind].Config(), shape, 8)  # type: ignore[call-overload]
    decoder_kind = kind if kind in DECODERS else "convolutional"
    decoder = DECODERS[decoder_kind](DECODERS[decoder_kind].Config(), 4, shape)
    assert encoder(images).shape == (2, 8)
    assert decoder(torch.randn(2, 4)).shape == images.shape


@pytest.mark.parametrize(
    ("size", "smallest", "expected"),
    [
        ((64, 64), 3, [64, 32, 16, 8, 4]),
        ((28, 28), 3, [28, 14, 7]),
        ((100, 100), 3, [100, 50, 25, 13, 7]),
        ((109, 109), 3, [109, 55, 28, 14, 7]),
        ((12, 12), 3, [12, 6, 3]),
        ((32, 32), 2, [32, 16, 8, 4, 2]),
        ((5, 64), 3, [5]),
    ],
)
def test_an_image_is_halved_as_far_as_its_sides_allow(
    size: Any, smallest: int, expected: Any
) -> None:
    assert [height for height, _ in halved(size, 4, smallest)] == expected


def first_divergences(height: Any, width: Any, seed: int) -> Iterator[Any]:
    """KL in nats at the first steps of a training on bright pictures with a dark disc."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    model: Any = build(VAE.Config(latents=10), DataSpec((1, height, width), (), 100), seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(8):
        middle = (
            torch.rand(16, 2, 1, 1, generator=generator)
            * torch.tensor([height, width])[:, None, None]
        )
        away = (rows - middle[:, 0]) ** 2 + (columns - middle[:, 1]) ** 2
        images = 0.9 - 0.7 * (away < (min(height, width) / 4) ** 2).float()[:, None]
        batch = Batch(images, torch.zeros(16, 0, dtype=torch.int64), torch.zeros(16).bool())
        terms = model.loss_terms(batch, model.sample_noise(16, generator), "vae")
        yield terms["kl"].item()
        optimizer.zero_grad()
        model.objective(terms, {}).backward()
        optimizer.step()


@pytest.mark.parametrize("size", [(64, 64), (100, 100), (109, 89), (75, 60), (150, 150)])
def test_a_training_begins_sanely_whatever_the_size_of_the_images(size: Any) -> None:
    """Where the map was not halved down, the second step had a KL of 10^10 nats and more."""
    assert max(max(first_divergences(*size, seed)) for seed in (0, 1)) < 1000  # type: ignore[call-arg]


def test_images_that_leave_too_large_a_map_are_refused_before_a_training() -> None:
    encoder = ConvolutionalEncoder(ConvolutionalEncoder.Config(), (1, 256, 256), 20)
    with pytest.raises(UsageError, match=r"16 x 16 with 64 channels.*32, 32, 64, 64, 64"):
        encoder.check_trainable()
    deeper = ConvolutionalEncoder.Config(widths=(32, 32, 64, 64, 64))
    ConvolutionalEncoder(deeper, (1, 256, 256), 20).check_trainable()


def test_a_signal_keeps_its_size_through_a_fresh_net(generator: torch.Generator) -> None:
    """Or training would start on a plateau: all images look the same to the decoder."""
    torch.manual_seed(0)
    decoder = ConvolutionalDecoder(ConvolutionalDecoder.Config(), 10, (1, 64, 64))
    images = decoder(torch.randn(64, 10, generator=generator))
    assert 0.03 < images.std(dim=0).mean() < 3


def test_an_empty_stack_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one convolution"):
        ConvolutionalEncoder.Config(widths=())
