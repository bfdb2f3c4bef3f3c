from typing import Any

import pytest
import torch

from distaff.data import FactorDataset, load
from distaff.inference.encode import kl_of_latents, posterior_of
from distaff.inference.interpolate import interpolations
from distaff.models import VAE, build
from distaff.probability.gaussian import DiagonalGaussian


@pytest.fixture
def dataset() -> Any:
    return load("sprites", size=16, orientations=1, scales=1, positions_x=8, positions_y=8)


@pytest.fixture
def model(dataset: Any, small_nets: dict[str, Any]) -> Any:
    return build(VAE.Config(latents=3, **small_nets), dataset.spec, seed=0).eval()


def test_a_whole_set_is_encoded_as_its_images(model: Any, dataset: FactorDataset) -> None:
    posterior = posterior_of(model, dataset)
    with torch.no_grad():
        expected = model.encode(dataset.images_at(range(len(dataset))))
    assert torch.allclose(posterior.mean, expected.mean, atol=1e-5)
    assert torch.allclose(posterior.log_std, expected.log_std, atol=1e-5)


def test_a_latent_at_the_prior_carries_nothing() -> None:
    posterior = DiagonalGaussian(
        torch.tensor([[0.0, 2.0], [0.0, -2.0]]), torch.tensor([[0.0, -3.0], [0.0, -3.0]])
    )
    kl = kl_of_latents(posterior)
    assert kl[0] == 0
    assert kl[1] > 4


def test_interpolations_begin_left_and_end_right(model: Any, dataset: FactorDataset) -> None:
    left, right = dataset.images_at([0, 1]), dataset.images_at([100, 150])
    with torch.no_grad():
        posteriors = model.encode(left), model.encode(right)
    between = interpolations(
        model, *posteriors, (0.0, 0.5, 1.0), generator=torch.Generator().manual_seed(3)
    )
    assert between.shape == (2, 3, 1, 16, 16)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        ends = [
            model.encode(images).sample(torch.randn(2, 3, generator=generator))
            for images in (left, right)
        ]
        for place, latents in ((0, ends[0]), (1, (ends[0] + ends[1]) / 2), (2, ends[1])):
            expected = model.decode(latents)
            assert torch.allclose(torch.from_numpy(between[:, place]), expected, atol=1e-5)
