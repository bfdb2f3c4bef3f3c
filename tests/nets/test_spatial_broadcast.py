from typing import Any

import pytest
import torch
from torch import nn

from distaff.nets import ConvolutionalEncoder, CoordConv, DeconvolutionDecoder
from distaff.nets import SpatialBroadcastDecoder as Decoder

RGB = (3, 64, 64)


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def decode_plainly(net: Decoder, latents: Any) -> Any:
    """Tile, concatenate, convolve, as in the paper."""
    tiled = latents[:, :, None, None].expand(-1, -1, net.height, net.width)
    return net.rest(net.first(tiled))


def test_nets_have_the_sources_number_of_parameters() -> None:
    encoder = ConvolutionalEncoder.Config(widths=(64, 64, 64, 64), hidden=(256,))
    assert parameters(ConvolutionalEncoder(encoder, RGB, 10)) == 464_906
    assert parameters(DeconvolutionDecoder(DeconvolutionDecoder.Config(), 5, RGB)) == 267_011
    assert parameters(Decoder(Decoder.Config(), 5, RGB)) == 42_755


@pytest.mark.parametrize("size", [(28, 28), (12, 12), (20, 32), (5, 9), (2, 1)])
@pytest.mark.parametrize("net", [Decoder, DeconvolutionDecoder])
def test_decoders_give_any_size(net: Any, size: Any) -> None:
    assert net(net.Config(), 4, (3, *size))(torch.randn(2, 4)).shape == (2, 3, *size)


def test_the_deconvolution_decoder_doubles_a_map_of_2_by_2_five_times() -> None:
    net = DeconvolutionDecoder(DeconvolutionDecoder.Config(), 5, RGB)
    sizes, image = [], torch.randn(1, 5)
    for layer in net:
        image = layer(image)
        if isinstance(layer, (nn.Unflatten, nn.ConvTranspose2d)):
            sizes.append(tuple(image.shape[1:]))
    assert sizes == [*((64, side, side) for side in (2, 4, 8, 16, 32)), RGB]


@pytest.mark.parametrize("size", [(64, 64), (7, 12), (2, 3), (1, 1)])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_the_broadcast_that_is_not_tiled_equals_the_tiled_one(
    size: Any, kernel: int, generator: torch.Generator
) -> None:
    torch.manual_seed(0)
    net = Decoder(Decoder.Config(widths=(8, 6), kernel=kernel), 5, (3, *size)).double()
    weights = torch.randn(4, 3, *size, generator=generator, dtype=torch.float64)
    results = []
    for decode in (net, lambda z: decode_plainly(net, z)):
        latents = torch.linspace(-2, 2, 20, dtype=torch.float64).view(4, 5).requires_grad_()
        images = decode(latents)  # type: ignore[no-untyped-call]
        asked = (latents, *net.parameters())
        results.append([images, *torch.autograd.grad((weights * images).sum(), asked)])
    for ours, plain in zip(*results, strict=True):
        assert torch.allclose(ours, plain, rtol=1e-10, atol=1e-10)


def test_in_float32_the_default_decoder_equals_the_tiled_one(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net, latents = Decoder(Decoder.Config(), 5, RGB), torch.randn(4, 5, generator=generator)
    assert (net(latents) - decode_plainly(net, latents)).abs().max() < 1e-5


def test_coordinates_run_from_corner_to_corner_and_the_radius_from_the_middle() -> None:
    layer = CoordConv(1, 3, 1, radius=True)
    with torch.no_grad():
        layer.convolution.weight.copy_(torch.eye(4)[1:, :, None, None])
        layer.convolution.bias.zero_()  # type: ignore[union-attr]
        x, y, radius = layer(torch.zeros(1, 1, 3, 5))[0]
        assert torch.equal(layer.of_tiled(torch.zeros(1, 1), 3, 5)[0, 2], radius)
    assert x[0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert y[:, 0].tolist() == [-1, 0, 1]
    assert (x == x[0]).all()
    assert torch.allclose(radius, (x.square() + y.square()).sqrt())


def test_a_fresh_decoder_tells_latents_and_places_apart(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    images = Decoder(Decoder.Config(), 5, RGB)(torch.randn(16, 5, generator=generator))
    assert images.std(dim=0).mean() > 0.01
    assert images.mean(dim=0).std(dim=(1, 2)).mean() > 0.003


@pytest.mark.parametrize("settings", [{"widths": ()}, {"widths": (8, 0)}, {"kernel": 4}])
def test_settings_without_a_net_are_refused(settings: Any) -> None:
    with pytest.raises(ValueError, match=r"must be odd|at least one"):
        Decoder.Config(**settings)


def test_an_empty_stack_of_deconvolutions_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        DeconvolutionDecoder.Config(widths=())
