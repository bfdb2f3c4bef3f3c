"""The published InfoMEC: closed forms, and what is peculiar to it."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from distaff.metrics.info_mec import info_mec
from distaff.metrics.published.info_mec import published_info_mec

SIZES = (3, 4, 6)


@pytest.fixture(scope="module")
def factors() -> Any:
    """Every combination equally often, so that frequencies are exact."""
    return np.array(list(np.ndindex(*SIZES)) * 20)


def told(codes: Any, labels: Any, *, discrete: Any = True) -> Any:
    return published_info_mec(
        np.asarray(codes, dtype=float), labels, discrete_latents=discrete, seed=0
    )


@pytest.mark.parametrize("discrete", [True, False])
def test_a_perfect_code_has_1_three_times(discrete: bool, factors: Any) -> None:
    result = told(factors, factors, discrete=discrete)
    assert result.modularity == pytest.approx(1, abs=0.05)
    assert result.compactness == pytest.approx(1, abs=0.05)
    # 100 iterations are not enough for the values between others of a continuous latent
    assert result.explicitness == pytest.approx(1, abs=0.01 if discrete else 0.1)


def test_latents_of_two_factors_have_the_shares_of_the_formula(factors: Any) -> None:
    """The first latent tells all of two factors, the second all of the third, exactly."""
    codes = np.c_[4 * factors[:, 0] + factors[:, 1], factors[:, 2]]
    result = told(codes, factors)
    assert result.relation == pytest.approx(np.array([[1, 1, 0], [0, 0, 1]]), abs=1e-12)
    # shares 1/2 and 1, from 1/3..1
    assert result.modularity == pytest.approx((3 / 4 - 1 / 3) / (1 - 1 / 3), abs=1e-12)
    assert result.compactness == pytest.approx(1, abs=1e-12)
    assert result.explicitness == pytest.approx(1, abs=0.01)


def test_copies_share(factors: Any) -> None:
    result = told(np.c_[factors, factors], factors)
    assert result.modularity == pytest.approx(1, abs=1e-12)
    # shares 1/2, from 1/6..1
    assert result.compactness == pytest.approx((1 / 2 - 1 / 6) / (1 - 1 / 6), abs=1e-12)


def test_half_of_the_information_is_half_of_explicitness(factors: Any) -> None:
    """The latent tells which two of four values it is."""
    labels = factors[:, [1, 1]]
    result = told(factors[:, 1:2] // 2, labels)
    assert result.explicitness == pytest.approx(1 / 2, abs=1e-3)
    assert result.relation == pytest.approx(np.full((1, 2), 1 / 2), abs=1e-12)


def test_all_values_weigh_alike_whatever_their_frequency() -> None:
    label = np.repeat([0, 1], [180, 20])
    labels = np.c_[label, np.arange(200) % 2]
    nothing = np.zeros((200, 1))
    result = told(nothing, labels)
    # even odds, not the frequencies; the same of a regression of scikit-learn
    fit = LogisticRegression(C=np.inf, class_weight="balanced").fit(nothing, label)
    assert log_loss(label, fit.predict_proba(nothing)) == pytest.approx(np.log(2), abs=1e-4)
    assert log_loss(label, fit.predict_proba(nothing)) > entropy([0.9, 0.1])
    assert result.explicitness == pytest.approx(0, abs=1e-4)


def test_continuous_latents_have_the_information_of_scikit_learn(factors: Any) -> None:
    codes = factors + np.random.default_rng(1).normal(size=factors.shape)
    relation = told(codes, factors, discrete=False).relation
    scaled = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    for j, label in enumerate(factors.T):
        for i in range(3):
            found = mutual_info_classif(scaled[:, [i]], label, n_neighbors=10, random_state=0)[0]
            assert relation[i, j] == pytest.approx(found / np.log(SIZES[j]), abs=1e-12)


def test_a_latent_is_active_by_its_range(factors: Any) -> None:
    narrow = np.c_[factors[:, :2], 0.04 * factors[:, 2] * 3 / 5, np.ones(len(factors))]
    assert told(narrow, factors, discrete=False).active.tolist() == [True, True, False, False]
    assert told(narrow, factors).active.tolist() == [True, True, True, False]


def test_a_dead_code_and_an_uninformative_latent_are_no_division_by_zero(factors: Any) -> None:
    result = told(np.zeros((len(factors), 2)), factors)
    assert result[:3] == pytest.approx((0, 0, 0), abs=1e-3)
    # each value of the second latent meets each combination of factors equally often
    code = np.c_[factors[:, 0], np.arange(len(factors)) // (len(factors) // 2)]
    assert told(code, factors).modularity == pytest.approx(1 / 2, abs=1e-12)


@pytest.mark.parametrize("discrete", [True, False])
def test_the_score_gives_the_published_numbers_when_asked(discrete: bool) -> None:
    generator = np.random.default_rng(4)
    factors = generator.integers(0, [3, 4, 5], size=(600, 3))
    noise = generator.integers(0, 2, size=(600, 3)) if discrete else generator.normal(size=(600, 3))
    codes = (2 * factors + noise).astype(float)
    expected = published_info_mec(codes, factors, discrete_latents=discrete, seed=0)
    score = info_mec(codes, factors, compat="published")
    assert score.parts["InfoM"] == expected.modularity
    assert score.parts["InfoE"] == expected.explicitness
    assert score.parts["InfoC"] == expected.compactness
    assert score.value == pytest.approx(np.mean(expected[:3]))
    assert score.interval is None
    assert (score.relation == expected.relation).all()  # type: ignore[union-attr]
    assert score.chance + 0.4 < score.value < score.ceiling + 1e-9
