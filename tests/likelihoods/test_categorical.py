from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch.distributions import Categorical as TorchCategorical

from distaff.likelihoods import Categorical
from distaff.models import VAE, build
from distaff.types import DataSpec


def likelihood(bins: int) -> Categorical:
    return Categorical(Categorical.Config(bins=bins))


def bins_by_hand(bins: int) -> list[list[int]]:
    members: list[list[int]] = [[] for _ in range(bins)]
    for level in range(256):
        members[level * bins // 256].append(level)
    return members


@pytest.fixture
def levels() -> Any:
    return torch.arange(256, dtype=torch.float64).reshape(1, 1, 16, 16) / 255


@pytest.mark.parametrize("bins", [2, 3, 7, 16, 100, 255, 256])
def test_bins_hold_nearly_equal_numbers_of_levels(bins: int) -> None:
    sizes = {len(members) for members in bins_by_hand(bins)}
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("bins", [2, 3, 7, 16, 100, 255, 256])
def test_bins_and_levels_equal_torch_distributions(
    bins: int, levels: Any, generator: torch.Generator
) -> None:
    logits = 3 * torch.randn(1, bins, 16, 16, generator=generator, dtype=torch.float64)
    members = bins_by_hand(bins)
    own = torch.tensor([next(j for j, m in enumerate(members) if x in m) for x in range(256)])
    size = torch.tensor([float(len(members[j])) for j in own]).reshape(1, 1, 16, 16)
    truth = TorchCategorical(logits=logits.movedim(1, -1)).log_prob(own.reshape(1, 16, 16))[:, None]
    assert torch.allclose(likelihood(bins).log_prob(levels, logits), truth)
    assert torch.allclose(likelihood(bins).log_prob_of_levels(levels, logits), truth - size.log())


@pytest.mark.parametrize("bins", [2, 3, 16, 100, 256])
def test_the_mean_weighs_the_means_of_the_bins_levels(
    bins: int, generator: torch.Generator
) -> None:
    logits = torch.randn(2, bins, 1, 3, generator=generator, dtype=torch.float64)
    midpoints = torch.tensor([np.mean(members) / 255 for members in bins_by_hand(bins)])
    truth = (logits.softmax(dim=1) * midpoints[None, :, None, None]).sum(dim=1, keepdim=True)
    assert torch.allclose(likelihood(bins).mean(logits), truth)


def test_samples_are_midpoints_with_their_probabilities(generator: torch.Generator) -> None:
    logits = torch.tensor([2.0, -1.0, 0.5, -60.0], dtype=torch.float64)
    drawn = likelihood(4).sample(logits[None, :, None, None].repeat(20_000, 1, 1, 1), generator)
    midpoints = torch.tensor([31.5, 95.5, 159.5, 223.5], dtype=torch.float64) / 255
    counts = torch.isclose(drawn.flatten()[:, None], midpoints).sum(dim=0)
    assert counts.sum() == 20_000
    assert counts[3] == 0
    assert chisquare(counts[:3], 20_000 * logits[:3].softmax(dim=0)).pvalue > 1e-3


def test_a_level_costs_at_least_the_bits_within_its_bin(levels: Any) -> None:
    certain = torch.full((1, 16, 16, 16), -1e4, dtype=torch.float64)
    certain[0, torch.arange(16), torch.arange(16)] = 0.0
    bits = -likelihood(16).log_prob_of_levels(levels, certain) / np.log(2)
    assert torch.allclose(bits, torch.full_like(bits, 4))


def test_a_model_gives_the_decoder_an_output_for_each_bin(
    small_nets: dict[str, Any], generator: torch.Generator
) -> None:
    config = VAE.Config(likelihood=Categorical.Config(bins=5), **small_nets)
    model: Any = build(config, DataSpec((3, 16, 16), (), 100), seed=0)
    latents = torch.randn(2, config.latents, generator=generator)
    assert model.decoder(latents).shape == (2, 15, 16, 16)
    assert model.decode(latents).shape == (2, 3, 16, 16)


@pytest.mark.parametrize("bins", [1, 257])
def test_too_few_or_too_many_bins_are_refused(bins: int) -> None:
    with pytest.raises(ValueError, match="between 2 and 256"):
        Categorical.Config(bins=bins)
