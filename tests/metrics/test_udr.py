"""The ranking of models without factors."""

from typing import Any

import numpy as np
import pytest
from synthetic import random_factors, turned, with_noise_latents

from distaff.metrics.udr import udr

ROWS = 3_000


@pytest.fixture(scope="module")
def codes() -> Any:
    return random_factors(ROWS).astype(float)


def relabelled(codes: Any, seed: int) -> Any:
    generator = np.random.default_rng(seed)
    order = generator.permutation(codes.shape[1])
    return codes[:, order] * generator.choice([-100, -0.01, 0.01, 100], size=codes.shape[1])


def test_the_same_latents_in_another_order_sign_and_scale_score_1(codes: Any) -> None:
    score = udr([codes, relabelled(codes, 1), relabelled(codes, 2) ** 3])
    assert score.value == pytest.approx(1, abs=1e-6)
    assert score.ceiling == pytest.approx(1, abs=1e-6)
    assert score.chance < 0.02
    assert score.relation.shape == (3, 3)  # type: ignore[union-attr]


def test_models_of_noise_score_chance() -> None:
    noise = np.random.default_rng(0).normal(size=(3, ROWS, 6))
    assert udr(list(noise), repeats=0).value < 0.02


def test_models_that_rotate_each_in_its_own_way_score_less(codes: Any) -> None:
    rotated = [turned(codes, [(1, 4), (2, 3)], degrees) for degrees in (0, 30, 60)]
    assert udr(rotated, repeats=0).value < 0.8


def test_the_model_that_is_unlike_the_others_scores_least(codes: Any) -> None:
    score = udr([codes, relabelled(codes, 1), turned(codes, [(1, 4), (2, 3)])], repeats=0)
    assert score.parts["model 2"] < min(score.parts["model 0"], score.parts["model 1"])


def test_dead_latents_and_those_without_divergence_take_no_part(codes: Any) -> None:
    dead = np.column_stack([codes, np.ones(ROWS)])
    assert udr([dead, codes], repeats=0).value == pytest.approx(1, abs=1e-6)
    assert udr([dead, codes], repeats=0).parts["dead latents"] == 1
    noisy = [with_noise_latents(codes, 2, seed) for seed in (3, 4)]
    kl = [np.array([1.0] * 5 + [0.001] * 2)] * 2
    assert udr(noisy, repeats=0).value < 0.8
    assert udr(noisy, kl=kl, repeats=0).value == pytest.approx(1, abs=1e-6)


def test_one_outlier_changes_little(codes: Any) -> None:
    spoilt = codes.copy()
    spoilt[0] = 1e6
    assert udr([spoilt, codes], repeats=0).value == pytest.approx(1, abs=0.01)


def test_factors_are_accepted_and_not_read(codes: Any) -> None:
    models = [codes, relabelled(codes, 1)]
    assert udr(models, codes.astype(int), repeats=0).value == udr(models, repeats=0).value


@pytest.mark.parametrize(
    ("models", "kl", "message"),
    [
        (lambda z: [z], None, "two or more"),
        (lambda z: [z, z[:-1]], None, "the same images"),
        (lambda z: [z, z * np.nan], None, "NaN"),
        (lambda z: [z, z], [np.ones(5)], "kl"),
        (lambda z: [z, z], [np.ones(5), np.ones(4)], "kl"),
    ],
)
def test_models_that_cannot_be_compared_are_an_error(
    models: Any, kl: Any, message: str, codes: Any
) -> None:
    with pytest.raises(ValueError, match=message):
        udr(models(codes), kl=kl)
