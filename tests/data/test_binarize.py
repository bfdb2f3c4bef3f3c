import torch

from distaff.data.binarize import binarize


def test_pixels_are_on_as_often_as_their_grey_level_says(generator: torch.Generator) -> None:
    levels = torch.tensor([0.0, 0.1, 0.5, 0.8, 1.0])
    images = levels.reshape(1, 1, 1, 5).expand(20_000, 1, 1, 5)
    drawn = binarize(images, generator)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    frequency = drawn.mean(dim=0).flatten()
    assert torch.allclose(frequency, levels, atol=0.015)
    assert frequency[0] == 0
    assert frequency[4] == 1


def test_the_same_seed_gives_the_same_images() -> None:
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    first, again, other = (
        binarize(images, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
