"""The mixture over shapes and turns, against plain loops and known clusters."""

from itertools import pairwise
from typing import Any

import pytest
import torch

from distaff.nets.renderer.turns import (
    best_of,
    descend_rings,
    distinct,
    fit_rings,
    improved,
    log_likelihoods,
    mean_rings,
)


def turned_crops(count: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
    """Three shapes as rings, each in any turn, with noise; which shape, and which turn."""
    shapes = (torch.rand(3, 4, 16, generator=generator) > 0.5).float() * 0.8 + 0.1
    shape = torch.randint(3, (count,), generator=generator)
    turn = torch.randint(16, (count,), generator=generator)
    place = (torch.arange(16) - turn[:, None]) % 16
    crops = shapes[shape].gather(2, place[:, None].expand(-1, 4, -1))
    noise = 0.02 * torch.randn(crops.shape, generator=generator)
    return (crops + noise).clamp(0, 1), shape, turn


def test_all_turns_at_once_are_those_of_a_plain_loop(generator: torch.Generator) -> None:
    crops = torch.rand(3, 4, 12, generator=generator)
    templates = torch.rand(2, 4, 12, generator=generator) * 0.9 + 0.05
    pixels = torch.tensor([40.0, 48.0, 96.0])
    found = log_likelihoods(crops, templates, pixels)
    area = torch.tensor([1.0, 3, 5, 7]) / 4
    for n in range(3):
        for k in range(2):
            for turn in range(12):
                bright = templates[k].roll(turn, dims=1)
                each = crops[n] * bright.log() + (1 - crops[n]) * (1 - bright).log()
                expected = (each * area[:, None]).sum() * pixels[n] / 48
                assert torch.allclose(found[n, k, turn], expected, rtol=1e-4, atol=1e-4)


def test_the_mean_turns_crops_back(generator: torch.Generator) -> None:
    crops, shares = torch.rand(5, 3, 8, generator=generator), torch.rand(5, 2, 8)
    found = mean_rings(crops, shares)
    for k in range(2):
        total = torch.zeros(3, 8)
        for n in range(5):
            for turn in range(8):
                total += shares[n, k, turn] * crops[n].roll(-turn, dims=1)
        assert torch.allclose(found[k], total / shares[:, k].sum(), atol=1e-5)


def test_every_round_makes_the_pictures_likelier(generator: torch.Generator) -> None:
    crops, _, _ = turned_crops(200, generator)
    pixels = torch.full((200,), 64.0)
    start = crops[:5]
    scores = [improved(crops, pixels, start, rounds=n).log_likelihood for n in range(1, 8)]
    assert all(later >= earlier - 1e-3 for earlier, later in pairwise(scores))


@pytest.mark.parametrize("learn", [fit_rings, descend_rings])
def test_shapes_in_any_turn_are_told_apart_and_merged(
    learn: Any, generator: torch.Generator
) -> None:
    crops, shape, turn = turned_crops(600, generator)
    pixels = torch.full((600,), 64.0)
    many = learn(crops, pixels, 7, seed=0)
    rings = many.templates[distinct(many.templates, many.shares)]
    assert len(rings) == 3
    slot, found = best_of(log_likelihoods(crops, rings, pixels))
    for k in range(3):
        own = slot == k
        assert len(shape[own].unique()) == 1
        assert len(((found - turn)[own] % 16).unique()) == 1


def test_templates_of_one_shape_in_two_turns_are_one(generator: torch.Generator) -> None:
    shapes = torch.rand(3, 4, 16, generator=generator).round()
    templates = torch.stack([shapes[0], shapes[1], shapes[0].roll(5, dims=1), shapes[2], shapes[2]])
    shares = torch.tensor([0.1, 0.3, 0.2, 0.0, 0.4])
    assert distinct(templates, shares).tolist() == [4, 1, 2]
