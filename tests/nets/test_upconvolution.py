from typing import Any

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from distaff.nets.upconvolution import UpConvolution

CASES = [(8, 1), (8, 3), (16, 32)]


def pair(inside: int, outside: int) -> tuple[UpConvolution, nn.ConvTranspose2d]:
    ours = UpConvolution(inside, outside)
    plain = nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1)
    plain.load_state_dict(ours.state_dict())
    return ours, plain


def difference(first: torch.Tensor, second: torch.Tensor) -> float:
    return ((first - second).abs().max() / second.abs().max()).item()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("inside", "outside"), CASES)
def test_values_and_gradients_are_those_of_the_transposed_convolution(
    inside: Any, outside: Any, layout: Any, generator: torch.Generator
) -> None:
    ours, plain = (layer.to(memory_format=layout) for layer in pair(inside, outside))  # type: ignore[call-overload]
    maps = torch.randn(3, inside, 4, 6, generator=generator).to(memory_format=layout)
    weights = torch.randn(3, outside, 8, 12, generator=generator)

    def computed(layer: Any) -> Any:
        given = maps.clone().requires_grad_()
        images = layer(given)
        return [images, *torch.autograd.grad(images, [given, *layer.parameters()], weights)]

    for first, second in zip(computed(ours), computed(plain), strict=True):
        assert first.shape == second.shape
        assert difference(first, second) < 1e-5


@pytest.mark.parametrize(("inside", "outside"), CASES)
def test_layers_side_by_side_have_the_gradients_they_have_alone(
    inside: Any, outside: Any, generator: torch.Generator
) -> None:
    layers = [UpConvolution(inside, outside) for _ in range(2)]
    maps = torch.randn(3, inside, 4, 4, generator=generator)

    def loss(parameters: Any) -> Any:
        return functional_call(layers[0], parameters, (maps,)).square().sum()

    parameters, _ = stack_module_state(layers)
    together = vmap(grad(loss))(parameters)
    for number, layer in enumerate(layers):
        alone = torch.autograd.grad(layer(maps).square().sum(), layer.parameters())  # type: ignore[call-overload]
        for name, expected in zip(("weight", "bias"), alone, strict=True):
            assert difference(together[name][number], expected) < 1e-5


def test_bfloat16_stays_bfloat16_and_near(generator: torch.Generator) -> None:
    ours, plain = pair(8, 1)
    maps = torch.randn(3, 8, 4, 4, generator=generator)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images = ours(maps)
    assert images.dtype == torch.bfloat16
    images.float().sum().backward()
    assert difference(images.float(), plain(maps)) < 0.05


@pytest.mark.parametrize(("inside", "outside"), CASES)
def test_second_derivatives_are_those_of_the_transposed_convolution(
    inside: Any, outside: Any, generator: torch.Generator
) -> None:
    maps = torch.randn(3, inside, 4, 4, generator=generator).requires_grad_()
    both = []
    for layer in pair(inside, outside):
        loss = layer(maps).square().sum()
        (first,) = torch.autograd.grad(loss, maps, create_graph=True)
        both.append(torch.autograd.grad(first.square().sum(), (maps, layer.weight)))
    for ours, expected in zip(*both, strict=True):
        assert difference(ours, expected) < 1e-5
