import pytest
import torch

from distaff.nets import ResidualDecoder, ResidualEncoder
from distaff.nets.residual import ResidualBlock


def test_a_block_whose_addition_is_zero_changes_nothing() -> None:
    block = ResidualBlock(5)
    for parameter in block.addition[-1].parameters():
        torch.nn.init.zeros_(parameter)
    stream = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block(stream), stream)


def test_a_block_adds_what_the_formula_says() -> None:
    block = ResidualBlock(4)
    stream = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    normal = (stream - stream.mean(1, keepdim=True)) / stream.std(1, correction=0, keepdim=True)
    layer = block.addition[-1]
    by_hand = stream + (normal * normal.sigmoid()) @ layer.weight.T + layer.bias  # type: ignore[operator]
    assert torch.allclose(block(stream), by_hand, atol=1e-4)


def test_the_nets_have_the_parameters_of_their_layers() -> None:
    width, blocks = 7, 3
    block = width * width + width + 2 * width
    encoder = ResidualEncoder(ResidualEncoder.Config(width=width, blocks=blocks), (1, 4, 4), 6)
    decoder = ResidualDecoder.Config(width=width, blocks=blocks)
    expected = 16 * width + width + blocks * block + width * 6 + 6
    assert sum(p.numel() for p in encoder.parameters()) == expected
    assert ResidualDecoder(decoder, 3, (2, 4, 4))(torch.zeros(5, 3)).shape == (5, 2, 4, 4)


def test_a_context_is_joined_to_the_flattened_image() -> None:
    encoder = ResidualEncoder(ResidualEncoder.Config(width=8), (1, 4, 4), 6, 3)
    images, context = torch.zeros(2, 1, 4, 4), torch.eye(3)[:2]
    first, second = encoder(images, context)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("setting", ["width", "blocks"])
def test_a_stack_of_nothing_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=f"{setting} is 0"):
        ResidualEncoder.Config(**{setting: 0})
