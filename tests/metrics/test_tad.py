"""The total AUROC difference against scikit-learn, SciPy and closed forms."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, somersd
from sklearn.metrics import roc_auc_score
from synthetic import random_factors, turned, with_noise_latents

from distaff.metrics.tad import somers_d, tad

ROWS = 3_000


def value(codes: Any, factors: Any, **settings: Any) -> Any:
    return tad(codes, factors, repeats=0, **settings).value


@pytest.fixture(scope="module")
def factors() -> Any:
    return random_factors(ROWS)


@pytest.fixture(scope="module")
def attributes() -> Any:
    return random_factors(ROWS, (2, 2, 2))


def test_the_auroc_is_that_of_scikit_learn(attributes: Any) -> None:
    codes = attributes + np.random.default_rng(1).normal(size=attributes.shape)
    codes[:, 1] = np.round(codes[:, 1])  # ties count half
    relation = tad(codes, attributes, repeats=0).relation
    for i in range(3):
        for j in range(3):
            area = roc_auc_score(attributes[:, j], codes[:, i])
            assert relation[i, j] == pytest.approx(max(area, 1 - area), abs=1e-9)  # type: ignore[index]


def test_the_order_of_several_values_is_that_of_scipy() -> None:
    labels = random_factors(300, (5, 3))
    codes = np.c_[
        labels[:, 0] + np.random.default_rng(1).normal(size=300), np.round(labels[:, 1] / 2)
    ]
    for i in range(2):
        for j in range(2):
            expected = abs(somersd(labels[:, j], codes[:, i]).statistic)
            assert somers_d(codes, labels)[i, j] == pytest.approx(expected, abs=1e-9)


def test_noisy_latents_of_an_attribute_have_the_difference_of_the_closed_form() -> None:
    """Of one deviation of noise at distance d the AUROC is Phi(d / sqrt 2)."""
    label = np.random.default_rng(2).integers(0, 2, size=(20_000, 1))
    codes = label * np.array([2, 0.5, -1]) + np.random.default_rng(3).normal(size=(20_000, 3))
    score = tad(codes, label, repeats=0)
    expected = norm.cdf(2 / np.sqrt(2)) - norm.cdf(1 / np.sqrt(2))
    assert score.parts["TAD"] == pytest.approx(expected, abs=0.01)
    assert score.value == pytest.approx(2 * expected, abs=0.02)


@pytest.mark.parametrize("given", ["attributes", "factors"])
def test_a_perfect_code_has_1_and_noise_0(given: str, request: pytest.FixtureRequest) -> None:
    labels = request.getfixturevalue(given)
    score = tad(labels.astype(float), labels, repeats=0)
    assert score.value == pytest.approx(1, abs=0.06)
    assert score.ceiling == score.value
    assert score.chance == 0
    assert score.parts["captured factors"] == labels.shape[1]
    assert score.parts["TAD"] == pytest.approx(score.value * labels.shape[1] / 2)
    assert value(np.random.default_rng(4).normal(size=(ROWS, 6)), labels) == 0
    assert value(np.zeros((ROWS, 2)), labels) == 0


def test_copies_and_mixing_cost_a_factor_and_noise_latents_nothing(factors: Any) -> None:
    codes = factors.astype(float)
    assert value(np.c_[codes, codes[:, :2]], factors) == pytest.approx(3 / 5, abs=0.05)
    assert value(turned(codes, [(3, 4)]), factors) == pytest.approx(3 / 5, abs=0.05)
    assert value(with_noise_latents(codes, 5), factors) > 0.93
    assert value(codes[:, 2:], factors) == pytest.approx(3 / 5, abs=0.05)


def test_an_attribute_counts_from_an_auroc_of_three_quarters(attributes: Any) -> None:
    noise = np.random.default_rng(5).normal(size=(ROWS, 1))
    captured = {}
    for distance in (0.8, 1.1):  # AUROC 0.71 and 0.78
        codes = np.c_[attributes[:, :2], distance * attributes[:, 2:] + noise]
        captured[distance] = tad(codes, attributes, repeats=0).parts["captured factors"]
    assert captured == {0.8: 2, 1.1: 3}


def test_an_attribute_that_another_one_tells_is_left_out(attributes: Any) -> None:
    copied = np.where(
        np.random.default_rng(6).random(ROWS) < 0.9, attributes[:, 0], 1 - attributes[:, 0]
    )
    labels = np.c_[attributes, copied]
    score = tad(labels.astype(float), labels, factor_names=list("abcd"), repeats=0)
    assert score.parts["redundant factors"] == 2
    assert list(score.parts)[:3] == ["b", "c", "TAD"]
    assert score.value == pytest.approx(1, abs=0.1)
    with pytest.raises(ValueError, match="of each factor another one tells more than 20%"):
        tad(labels.astype(float), labels[:, [0, 3]])


@pytest.mark.parametrize(
    "change",
    [
        lambda z: z[:, ::-1],
        lambda z: -z,
        lambda z: z * np.geomspace(0.01, 100, 5),
        lambda z: z**3,
        lambda z: np.r_[[[1e6] * 5], z[1:]],
        lambda z: np.c_[z, np.ones(ROWS)],
    ],
    ids=["permuted", "flipped", "rescaled", "cubed", "outlier", "dead latent"],
)
def test_the_form_of_a_latent_changes_nothing(change: Any, factors: Any) -> None:
    codes = turned(factors.astype(float), [(3, 4)], 30)
    before = value(codes, factors)
    assert value(change(codes), factors) == pytest.approx(before, abs=2e-3)


def test_the_interval_and_what_is_refused(factors: Any) -> None:
    codes = turned(factors[:600].astype(float), [(3, 4)], 30)
    score = tad(codes, factors[:600])
    assert score.interval[0] < score.value < score.interval[1]  # type: ignore[index]
    assert score.interval[1] - score.interval[0] < 0.3  # type: ignore[index]
    with pytest.raises(ValueError, match="not offered"):
        tad(codes, factors[:600], compat="disentanglement_lib")
