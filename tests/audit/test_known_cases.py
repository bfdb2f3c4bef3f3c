"""Codes of known quality are what they say, and the answers expected of them are right."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chisquare, entropy, multivariate_normal, norm, spearmanr
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mutual_info_score

from distaff.audit.known_cases import KNOWN, data_set
from distaff.audit.known_codes import SIZES
from distaff.audit.known_limits import (
    information_of_noisy_values,
    limits_of_correlated_normals,
    limits_of_cut_values,
    limits_of_noisy_values,
)
from distaff.audit.scores import expected_value, score_of

MANY = 200_000


def standard_values(size: Any) -> Any:
    return (np.arange(size) - (size - 1) / 2) / np.sqrt((size**2 - 1) / 12)


@pytest.mark.parametrize("size", [3, 6, 40])
@pytest.mark.parametrize("noise", [0.5, 1.0])
def test_information_of_noisy_values_is_that_of_adaptive_quadrature(
    size: int, noise: float
) -> None:
    values = standard_values(size)

    def density(z: Any) -> Any:
        return norm.pdf(z, values, noise).mean()

    surprise, _ = quad(lambda z: -density(z) * np.log(density(z)), -8, 8, limit=500)
    truth = surprise - norm(scale=noise).entropy()
    assert information_of_noisy_values(size, noise) == pytest.approx(truth, abs=1e-6)


def test_information_of_noisy_values_has_the_limits_of_no_noise_and_of_many_values() -> None:
    assert information_of_noisy_values(6, 0.01) == pytest.approx(np.log(6), abs=1e-9)
    # uniform on an interval of variance 1 with hardly any noise: h(z) = log sqrt(12)
    uniform = np.log(np.sqrt(12)) - norm(scale=0.02).entropy()
    assert information_of_noisy_values(2_000, 0.02) == pytest.approx(uniform, abs=0.02)


def test_limits_of_noisy_values_are_those_of_a_large_sample() -> None:
    """By log p(z | v) / p(z), the joint entropy with 100 cells, and a regression."""
    generator = np.random.default_rng(0)
    gaps, joint, explained, shared, ranked = [], [], [], [], []
    for size in SIZES:
        v, values = generator.integers(0, size, size=MANY // 4), standard_values(size)
        z = values[v] + 0.5 * generator.normal(size=len(v))
        density = norm.pdf(z[:, None], values, 0.5)
        ranked.append(spearmanr(v, z).statistic)
        ratio = density[np.arange(len(v)), v] / density.mean(axis=1)
        information = np.log(ratio).mean()
        shared.append(information)
        gaps.append(information / np.log(size))
        # H(z, v) = H(z) + H(v) - I, with the z of a continuous latent in 100 cells
        joint_entropy = np.log(100) + np.log(size) - information
        joint.append(1 - (joint_entropy - information) / (np.log(size) + np.log(100)))
        explained.append(LinearRegression().fit(z[:, None], values[v]).score(z[:, None], values[v]))
    limits = limits_of_noisy_values(SIZES, 0.5)
    assert limits["mutual-information-gap"] == pytest.approx(np.mean(gaps), abs=0.003)
    assert limits["jemmig"] == pytest.approx(np.mean(joint), abs=0.003)
    assert limits["dci-mig"] == pytest.approx(sum(shared) / np.log(SIZES).sum(), abs=0.003)
    assert limits["r-squared"] == pytest.approx(np.mean(explained), abs=0.005)
    assert limits["weak-mcc"] == pytest.approx(np.sqrt(explained).mean(), abs=0.003)
    assert limits["mcc"] == pytest.approx(np.mean(ranked), abs=0.003)


def test_a_linear_probe_of_noisy_values_is_as_good_as_bayes_rule() -> None:
    """log p(v | z) is linear in z: what InfoE takes for granted."""
    values = standard_values(6)
    z = np.linspace(-3, 3, 50)
    log_density = norm.logpdf(z[:, None], values, 0.5)
    log_odds = log_density - log_density[:, :1]
    bent = np.diff(log_odds, n=2, axis=0)
    assert bent == pytest.approx(np.zeros_like(bent), abs=1e-9)


def test_limits_of_cut_values_are_those_of_all_values() -> None:
    gaps, shared, joint, explained = [], [], [], []
    for size in SIZES:
        v = np.arange(size)
        z = np.array([int(np.floor(3 * value / size)) for value in v])
        information = mutual_info_score(v, z)
        shared.append(information)
        gaps.append(information / np.log(size))
        # z adds nothing to v, so H(z, v) = H(v)
        joint.append(1 - (np.log(size) - information) / (np.log(size) + np.log(100)))
        explained.append(LinearRegression().fit(z[:, None], v).score(z[:, None], v))
    limits = limits_of_cut_values(SIZES, 3)
    assert limits["mutual-information-gap"] == pytest.approx(np.mean(gaps))
    assert limits["dci-mig"] == pytest.approx(sum(shared) / np.log(SIZES).sum())
    assert limits["jemmig"] == pytest.approx(np.mean(joint))
    assert limits["r-squared"] == pytest.approx(np.mean(explained))
    assert limits["weak-mcc"] == pytest.approx(np.sqrt(explained).mean())


def test_limits_of_correlated_normals_are_those_of_a_large_sample() -> None:
    table = np.random.default_rng(1).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=MANY)
    limits = limits_of_correlated_normals(0.9)
    known = np.corrcoef(table.T)[0, 1] ** 2  # type: ignore[index]
    joint = multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]]).logpdf(table)
    information = (joint - norm.logpdf(table).sum(axis=1)).mean()
    for metric in ("mutual-information-gap", "mig-sup", "dci-mig", "sap", "r-squared"):
        assert limits[metric] == pytest.approx(known, abs=0.003)
        assert limits[metric] == pytest.approx(1 - np.exp(-2 * information), abs=0.003)
    # both entropies are log 100
    assert limits["jemmig"] == pytest.approx(2 * information / (2 * np.log(100)), abs=0.002)
    assert limits["weak-mcc"] == pytest.approx(np.sqrt(known), abs=0.002)
    assert limits["mcc"] == pytest.approx(spearmanr(table).statistic, abs=0.003)
    assert limits["info-mec"] == pytest.approx((1 + known + 1) / 3, abs=0.001)


@pytest.mark.parametrize("code", ["noise of half the spread", "half noise"])
def test_the_rank_correlation_is_at_its_limit(code: str) -> None:
    assert value_of("mcc", code) == pytest.approx(expected_value("mcc", code), abs=0.01)


OF_INFORMATION = (
    *("mutual-information-gap", "jemmig", "dmig", "xmig", "mig-sup", "dlig", "med"),
    *("modularity", "dci-mig", "info-mec"),
)


@pytest.mark.parametrize("code", ["noise of half the spread", "half noise", "cut to three values"])
def test_scores_of_many_images_are_at_their_limits(code: str) -> None:
    for metric in (*OF_INFORMATION, "unibound", "r-squared", "weak-mcc"):
        assert value_of(metric, code) == pytest.approx(expected_value(metric, code), abs=0.01), (
            metric
        )


def test_scores_of_continuous_factors_are_at_their_limits() -> None:
    code = "continuous, ρ = 0.9"
    for metric in (*OF_INFORMATION, "sap", "mcc"):
        assert value_of(metric, code) == pytest.approx(expected_value(metric, code), abs=0.01), (
            metric
        )


def value_of(metric: Any, code: Any, rows: Any = 8_000) -> Any:
    given = data_set(code, rows, 0)
    return score_of(metric, given, rows=rows, mode="default", seed=0, repeats=0).value


def test_continuous_factors_have_their_correlation() -> None:
    given = data_set("continuous, ρ = 0.9", 20_000, 3)
    correlation = np.corrcoef(given.tables[0].T, given.factors.T)[:5, 5:]
    assert np.diag(correlation) == pytest.approx(np.full(5, 0.9), abs=0.01)
    assert correlation - np.diag(np.diag(correlation)) == pytest.approx(np.zeros((5, 5)), abs=0.03)


def test_correlated_factors_share_what_is_said_and_have_all_values_equally_often() -> None:
    given = data_set("factors correlated", MANY, 0)
    for factor, size in zip(given.factors.T, SIZES, strict=True):
        assert chisquare(np.bincount(factor, minlength=size)).pvalue > 1e-4
    shape, scale, turn, x, y = given.factors.T
    assert mutual_info_score(shape, scale) == pytest.approx(0.231, abs=0.003)
    # 1/2 of the rows on the diagonal, the others anywhere
    table = np.full((32, 32), 0.5 / 32**2) + np.eye(32) * 0.5 / 32
    assert mutual_info_score(x, y) == pytest.approx(
        2 * np.log(32) - entropy(table.ravel()), abs=0.015
    )
    assert mutual_info_score(turn, x) < 0.01


def test_unused_latents_have_their_nats_and_a_mixture_for_content() -> None:
    given = data_set("unused latents more", 5_000, 0)
    unused = given.tables[0][:, 5:]
    assert (unused**2).mean(axis=0) / 2 == pytest.approx(np.full(5, 0.009))
    shared = np.corrcoef(unused.T, given.factors.T)[:5, 5:] ** 2
    assert shared.sum(axis=1) == pytest.approx(np.ones(5), abs=0.1)
    assert (np.sort(shared, axis=1)[:, -2] > 0.02).all()
    settings = KNOWN[given.code].settings
    assert settings["active"].tolist() == [True] * 5 + [False] * 5
    assert (settings["kl"][0][5:] == 0.009).all()


def test_repeated_rows_are_a_quarter_of_the_images_four_times_each() -> None:
    given = data_set("noise, each row four times", 2_000, 0)
    rows = np.hstack([*given.tables, given.factors])
    distinct, times = np.unique(rows, axis=0, return_counts=True)
    assert len(rows) == 2_000
    assert len(distinct) == 500
    assert times.mean() == 4
    assert times.max() > 6


def test_the_shared_seed_is_that_of_the_scores() -> None:
    given = data_set("seed shared with factors", 50, 7)
    assert (given.factors == np.random.default_rng(7).integers(0, SIZES, size=(50, 5))).all()


def test_noise_of_1e_9_is_that() -> None:
    given = data_set("noise of 1e-9", 5_000, 0)
    spread = (given.tables[0] - given.tables[1]).std()
    assert spread == pytest.approx(np.sqrt(2) * 1e-9, rel=0.05)
