"""The mean correlation coefficient, strong and weak, against SciPy and scikit-learn."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.cross_decomposition import CCA
from sklearn.linear_model import LinearRegression
from synthetic import random_factors, turned, with_noise_latents

from distaff.metrics.mcc import correlations, mcc, of_own_latent
from distaff.metrics.randomness import stream
from distaff.metrics.weak_mcc import canonical_variates, weak_mcc

ROWS = 4_000


@pytest.fixture(scope="module")
def factors() -> Any:
    return random_factors(ROWS)


def value(metric: Any, codes: Any, factors: Any, **settings: Any) -> Any:
    return metric(codes, factors, repeats=0, **settings).value


def mixed(rows: Any, latents: Any, factors: Any, seed: int = 0) -> Any:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 9, size=(rows, factors))
    noise = generator.normal(size=(rows, latents))
    return labels @ generator.normal(size=(factors, latents)) + 3 * noise, labels


def test_correlations_are_those_of_scipy() -> None:
    codes, labels = mixed(300, 4, 3)
    expected = np.abs(spearmanr(codes, labels).statistic[:4, 4:])
    # close values share a rank, which moves little
    assert mcc(codes, labels, repeats=0).relation == pytest.approx(expected, abs=2e-3)
    expected = np.abs(np.corrcoef(codes, labels, rowvar=False)[:4, 4:])
    assert correlations(codes, labels) == pytest.approx(expected, abs=1e-12)


def test_the_assignment_is_the_best_of_all() -> None:
    relation = np.random.default_rng(0).random((5, 4))
    every = (np.mean([relation[i, j] for j, i in enumerate(p)]) for p in permutations(range(5), 4))
    assert of_own_latent(relation).mean() == pytest.approx(max(every), abs=1e-12)
    # the first factor's best latent is taken by the second, which has no other
    assert of_own_latent(np.array([[0.9, 0.8], [0.6, 0.0]])).tolist() == [0.6, 0.8]


def test_a_pair_of_gaussians_has_the_rank_correlation_of_the_closed_form() -> None:
    generator = np.random.default_rng(1)
    normal = generator.normal(size=(20_000, 2))
    r = 0.6
    codes = np.c_[r * normal[:, 0] + np.sqrt(1 - r**2) * normal[:, 1]]
    score = mcc(codes, normal[:, :1], factor_kinds=["continuous"], repeats=0)
    # of two normal variables, Pearson 1907
    assert score.value == pytest.approx(6 / np.pi * np.arcsin(r / 2), abs=0.015)


@pytest.mark.parametrize("settings", [{}, {"alignment": "affine"}, {"alignment": "cca"}])
def test_a_perfect_code_has_1_and_noise_chance(settings: Any, factors: Any) -> None:
    metric = weak_mcc if settings else mcc
    score = metric(factors.astype(float), factors, repeats=0, **settings)
    assert score.value == pytest.approx(1, abs=0.001)
    assert score.ceiling == pytest.approx(1, abs=0.001)
    assert abs(score.chance) < 0.08
    noise = np.random.default_rng(2).normal(size=(ROWS, 5))
    assert abs(value(metric, noise, factors, **settings)) < 0.08


@pytest.mark.parametrize("metric", [mcc, weak_mcc])
@pytest.mark.parametrize(
    "change",
    [
        lambda z: z[:, ::-1],
        lambda z: -z,
        lambda z: z * np.array([0.001, -0.1, 1, -10, 1000]),
        lambda z: z + 1000,
        lambda z: np.c_[z, np.ones(ROWS)],
        lambda z: np.r_[[[1e6] * 5], z[1:]],
    ],
    ids=["permuted", "flipped", "rescaled", "shifted", "dead latent", "outlier"],
)
def test_the_form_of_a_latent_changes_nothing(metric: Any, change: Any, factors: Any) -> None:
    codes = factors + 5 * np.random.default_rng(3).normal(size=factors.shape)
    before = value(metric, codes, factors)
    assert value(metric, change(codes), factors) == pytest.approx(before, abs=2e-3)
    assert 0.3 < before < 0.95


def test_monotone_changes_of_a_latent_do_not_count_for_the_strong_one(factors: Any) -> None:
    codes = turned(factors.astype(float), [(3, 4)])
    bent = np.exp(codes / 10) - codes**3 * np.array([1, 0, 0, 0, 0])
    bent[:, 0] = -(codes[:, 0] ** 3)
    assert value(mcc, bent, factors) == pytest.approx(value(mcc, codes, factors), abs=2e-3)


def test_no_linear_map_counts_for_the_weak_one(factors: Any) -> None:
    codes = factors + 5 * np.random.default_rng(3).normal(size=factors.shape)
    codes /= codes.std(axis=0)
    changed = codes @ np.random.default_rng(4).normal(size=(5, 5))
    for alignment in ("affine", "cca"):
        before = value(weak_mcc, codes, factors, alignment=alignment)
        after = value(weak_mcc, changed, factors, alignment=alignment)
        assert after == pytest.approx(before, abs=1e-9)


def test_mixed_latents_keep_the_cosine_of_their_angle_and_all_of_the_weak_one(factors: Any) -> None:
    codes = turned(factors.astype(float), [(3, 4)])
    # that of even factors is near Pearson's, cos 45 degrees
    assert value(mcc, codes, factors) == pytest.approx((3 + 2 * np.sqrt(0.5)) / 5, abs=0.02)
    assert value(weak_mcc, codes, factors) == pytest.approx(1, abs=1e-3)


def test_a_missing_latent_is_a_factor_that_counts_0_and_others_cost_nothing(factors: Any) -> None:
    codes = factors.astype(float)
    assert value(mcc, codes[:, 2:], factors) == pytest.approx(3 / 5, abs=0.02)
    assert value(weak_mcc, codes[:, 2:], factors) == pytest.approx(3 / 5, abs=0.04)
    pairs = weak_mcc(codes[:, 2:], factors, alignment="cca", repeats=0).parts
    assert [pairs["pair 3"], pairs["pair 4"]] == [0, 0]
    more = with_noise_latents(np.c_[codes, codes], 3)
    assert value(mcc, more, factors) == pytest.approx(1, abs=1e-9)
    assert value(weak_mcc, more, factors) == pytest.approx(1, abs=1e-3)


def test_the_affine_map_is_the_regression_of_scikit_learn() -> None:
    codes, labels = mixed(1_000, 4, 3)
    score = weak_mcc(codes, labels, seed=7, repeats=0)
    order = stream(7, "fitted and scored rows").permutation(1_000)
    told = LinearRegression().fit(codes[order[:500]], labels[order[:500]]).predict(codes)
    expected = [
        abs(np.corrcoef(told[order[500:], k], labels[order[500:], k])[0, 1]) for k in range(3)
    ]
    assert [score.parts[f"factor {k}"] for k in range(3)] == pytest.approx(expected, abs=1e-9)
    assert score.value == pytest.approx(np.mean(expected), abs=1e-9)


@pytest.mark.parametrize("alignment", ["affine", "cca"])
def test_two_noisy_latents_of_a_factor_have_the_correlation_of_their_mean(alignment: str) -> None:
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 9, size=(20_000, 1))
    codes = labels + 4 * generator.normal(size=(20_000, 2))
    variance = (9**2 - 1) / 12
    expected = np.sqrt(variance / (variance + 4**2 / 2))
    score = weak_mcc(codes, labels, alignment=alignment, repeats=0)
    assert score.value == pytest.approx(expected, abs=0.01)


def test_the_canonical_variates_are_those_of_scikit_learn() -> None:
    codes, labels = mixed(1_000, 4, 3)
    half = np.arange(500)
    first, second = canonical_variates(codes, labels.astype(float), half)
    reference = CCA(n_components=3, max_iter=10_000, tol=1e-12).fit(codes[half], labels[half])
    for ours, theirs in zip((first, second), reference.transform(codes, labels), strict=True):
        for pair in range(3):
            assert abs(np.corrcoef(ours[:, pair], theirs[:, pair])[0, 1]) == pytest.approx(1)


def test_parts_relation_and_interval(factors: Any) -> None:
    codes = factors[:400] + 5 * np.random.default_rng(3).normal(size=(400, 5))
    names = list("abcde")
    score = mcc(codes, factors[:400], factor_names=names)
    assert list(score.parts) == [*names, "dead latents"]
    assert score.relation.shape == (5, 5)  # type: ignore[union-attr]
    for metric in (mcc, weak_mcc):
        low, high = metric(codes, factors[:400], seed=1).interval  # type: ignore[misc]
        assert low < metric(codes, factors[:400], repeats=0, seed=1).value < high
        assert high - low < 0.3


def test_a_dead_code_knows_nothing(factors: Any) -> None:
    for metric in (mcc, weak_mcc):
        score = metric(np.zeros((ROWS, 3)), factors, repeats=0)
        assert score.value == 0
        assert score.parts["dead latents"] == 3


def test_unknown_settings_are_refused(factors: Any) -> None:
    codes = factors.astype(float)
    with pytest.raises(ValueError, match="affine or cca"):
        weak_mcc(codes, factors, alignment="rotation")
    for metric in (mcc, weak_mcc):
        with pytest.raises(ValueError, match="not offered"):
            metric(codes, factors, compat="disentanglement_lib")
