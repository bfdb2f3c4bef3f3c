"""compat="disentanglement_lib" against plain slow implementations of that library's definitions."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import Lasso, LogisticRegression, LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold
from sklearn.svm import LinearSVC
from synthetic import random_factors, turned, with_noise_latents

from distaff.metrics.beta_vae_score import beta_vae_score
from distaff.metrics.dci import dci
from distaff.metrics.dci_es import dci_es
from distaff.metrics.downstream_accuracy import downstream_accuracy
from distaff.metrics.explicitness import explicitness
from distaff.metrics.factor_vae_score import factor_vae_score
from distaff.metrics.interventional_robustness import interventional_robustness
from distaff.metrics.partition_score import partition_score
from distaff.metrics.sap import sap
from distaff.metrics.udr import udr

PUBLISHED: dict[str, Any] = {"compat": "disentanglement_lib", "repeats": 0}
SIZES = (3, 4, 6)
ROWS = 900
TRAIN, TEST = slice(0, 600), slice(600, 900)


@pytest.fixture(scope="module")
def factors() -> Any:
    return random_factors(ROWS, SIZES)


@pytest.fixture(scope="module")
def codes(factors: Any) -> Any:
    """Entangled, noisy, of unequal scales."""
    noise = 0.3 * np.random.default_rng(1).normal(size=factors.shape)
    return with_noise_latents(turned(factors + noise, [(0, 2)], 30), 1) * [1, 2, 0.3, 1.5]


@pytest.fixture(autouse=True)
def _published_defaults() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def rows_like(factors: Any, fixed: Any, index: Any, generator: np.random.Generator) -> Any:
    """Random rows that have the value of the fixed factor."""
    return generator.choice(np.flatnonzero(factors[:, fixed] == factors[index, fixed]), size=1)[0]


def plain_beta_vae_points(
    codes: Any, factors: Any, number: Any, pairs: Any, generator: np.random.Generator
) -> Any:
    points, fixed = [], generator.integers(factors.shape[1], size=number)
    for k in fixed:
        differences = []
        for _ in range(pairs):
            first = generator.integers(len(codes))
            second = rows_like(factors, k, first, generator)
            differences.append(np.abs(codes[first] - codes[second]))
        points.append(np.mean(differences, axis=0))
    return np.array(points), fixed


def test_beta_vae_score(codes: Any, factors: Any) -> None:
    generator = np.random.default_rng(3)
    train, test = (plain_beta_vae_points(codes, factors, 400, 16, generator) for _ in range(2))
    expected = LogisticRegression().fit(*train).score(*test)
    ours = beta_vae_score(codes, factors, group_size=16, num_train=400, num_test=4_000, **PUBLISHED)
    assert ours.value == pytest.approx(expected, abs=0.06)
    assert 0.5 < ours.value < 0.98


def test_the_published_beta_vae_score_sees_the_scale(codes: Any, factors: Any) -> None:
    small, same = (
        beta_vae_score(1e-4 * codes, factors, repeats=0, **mode).value  # type: ignore[arg-type]
        for mode in ({"compat": "disentanglement_lib"}, {})
    )
    assert small < 0.45
    assert same == beta_vae_score(codes, factors, repeats=0).value


def plain_votes(
    codes: Any, factors: Any, number: Any, size: Any, variance: Any, generator: np.random.Generator
) -> Any:
    table = np.zeros((codes.shape[1], factors.shape[1]), dtype=int)
    for k in generator.integers(factors.shape[1], size=number):
        first = generator.integers(len(codes))
        rows = [rows_like(factors, k, first, generator) for _ in range(size)]
        table[np.argmin(codes[rows].var(axis=0, ddof=1) / variance), k] += 1
    return table


def test_factor_vae_score(codes: Any, factors: Any) -> None:
    generator = np.random.default_rng(3)
    variance = codes.var(axis=0, ddof=1)
    train, test = (plain_votes(codes, factors, 400, 8, variance, generator) for _ in range(2))
    winner = train.argmax(axis=1)
    expected = test[np.arange(len(test)), winner].sum() / test.sum()
    ours = factor_vae_score(
        codes, factors, group_size=8, num_train=4_000, num_test=4_000, **PUBLISHED
    )
    assert ours.value == pytest.approx(expected, abs=0.06)
    assert 0.5 < ours.value < 0.98


def test_the_published_factor_vae_score_prunes_by_scale(factors: Any) -> None:
    codes = factors.astype(float)
    assert factor_vae_score(codes, factors, **PUBLISHED).value == 1
    assert factor_vae_score(codes * [1, 1, 0.01], factors, **PUBLISHED).value < 0.8
    assert factor_vae_score(0.001 * codes, factors, **PUBLISHED).value == 0
    dead = np.column_stack([codes, np.ones(ROWS)])
    assert factor_vae_score(dead, factors, **PUBLISHED).value == 1


def test_explicitness(codes: Any, factors: Any) -> None:
    center, spread = codes[TRAIN].mean(axis=0), codes[TRAIN].std(axis=0)
    inputs = (codes - center) / spread
    areas = []
    for label in factors.T:
        classifier = LogisticRegression().fit(inputs[TRAIN], label[TRAIN])
        truth = np.eye(label.max() + 1)[label[TEST]]
        areas.append(roc_auc_score(truth, classifier.predict_proba(inputs[TEST])))
    ours = explicitness(codes, factors, **PUBLISHED)
    assert ours.value == pytest.approx(np.mean(areas), abs=1e-9)
    assert [ours.parts[f"factor {k}"] for k in range(3)] == pytest.approx(areas, abs=1e-9)


def test_sap_of_discrete_factors(codes: Any, factors: Any) -> None:
    matrix = np.zeros((4, 3))
    for i in range(4):
        for j in range(3):
            machine = LinearSVC(C=0.01, class_weight="balanced")
            machine.fit(codes[TRAIN, i : i + 1], factors[TRAIN, j])
            matrix[i, j] = machine.score(codes[TEST, i : i + 1], factors[TEST, j])
    ordered = np.sort(matrix, axis=0)
    ours = sap(codes, factors, **PUBLISHED)
    assert ours.relation == pytest.approx(matrix)
    assert ours.value == pytest.approx((ordered[-1] - ordered[-2]).mean())


def test_sap_of_continuous_factors(codes: Any, factors: Any) -> None:
    constant = np.column_stack([codes, np.ones(ROWS)])
    matrix = np.zeros((5, 3))
    for i in range(4):
        for j in range(3):
            matrix[i, j] = np.corrcoef(codes[TRAIN, i], factors[TRAIN, j])[0, 1] ** 2
    ordered = np.sort(matrix, axis=0)
    ours = sap(constant, factors, continuous=True, **PUBLISHED)
    assert ours.relation == pytest.approx(matrix)
    assert ours.value == pytest.approx((ordered[-1] - ordered[-2]).mean())


def test_interventional_robustness(codes: Any) -> None:
    factors = random_factors(ROWS, (3, 50))  # 50 values are merged into 20 cells
    z, v = codes[TRAIN], factors[TRAIN].astype(float)
    farthest = np.abs(z - z.mean(axis=0)).max(axis=0)
    matrix = np.zeros((4, 2))
    for k in range(2):
        cell = np.digitize(v[:, k], np.histogram(v[:, k], 20)[1][:-1])
        strays = [
            np.percentile(np.abs(z[cell == c] - z[cell == c].mean(axis=0)), 99, axis=0)
            for c in np.unique(cell)
        ]
        matrix[:, k] = 1 - np.mean(strays, axis=0) / farthest
    ours = interventional_robustness(codes, factors, **PUBLISHED)
    assert ours.relation == pytest.approx(matrix)
    assert ours.value == pytest.approx(np.average(matrix.max(axis=1), weights=farthest))


def test_the_published_robustness_rewards_noise_and_ours_does_not() -> None:
    factors = random_factors(3_000, (5, 5))
    noise = np.random.default_rng(0).standard_t(2, size=(3_000, 4))
    assert interventional_robustness(noise, factors, **PUBLISHED).value > 0.6
    assert interventional_robustness(noise, factors, repeats=0).value < 0.05


def test_dci() -> None:
    factors = random_factors(300, (2, 3))
    codes = with_noise_latents(factors + 0.2, 1)
    codes[:, 0] += 0.5 * codes[:, 1]
    importance, success = np.zeros((3, 2)), []
    for k in range(2):
        model = GradientBoostingClassifier(random_state=0).fit(codes[:200], factors[:200, k])
        importance[:, k] = np.abs(model.feature_importances_)
        success.append(model.score(codes[200:], factors[200:, k]))
    rows = 1 - entropy(importance.T + 1e-11, base=2)
    columns = 1 - entropy(importance + 1e-11, base=3)
    ours = dci(codes, factors, jobs=1, **PUBLISHED)
    assert ours.relation == pytest.approx(importance)
    assert ours.value == pytest.approx(np.average(rows, weights=importance.sum(axis=1)))
    assert ours.parts["completeness"] == pytest.approx(columns.mean())
    assert ours.parts["informativeness"] == pytest.approx(np.mean(success))


def test_downstream_accuracy(codes: Any, factors: Any) -> None:
    expected = []
    for label in factors.T:
        classifier = LogisticRegressionCV(Cs=10, cv=KFold(5), scoring="accuracy")
        classifier.fit(codes[:100], label[:100])
        expected.append((classifier.predict(codes[TEST]) == label[TEST]).mean())
    ours = downstream_accuracy(codes, factors, labels=(100,), **PUBLISHED)
    assert ours.value == ours.parts["100 labels"] == pytest.approx(np.mean(expected))


def test_udr(codes: Any, factors: Any) -> None:
    generator = np.random.default_rng(5)
    models = [codes, codes[:, ::-1] @ generator.normal(size=(4, 4)), factors + codes[:, :3]]
    models[2] = np.column_stack([models[2], np.ones(ROWS)])
    kl = [np.array([1.0, 1, 0.005, 1]), np.ones(4), np.ones(4)]
    scaled = [
        (m[TRAIN] - m[TRAIN].mean(axis=0)) / np.maximum(m[TRAIN].std(axis=0), 1e-12) for m in models
    ]
    scores = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            if i != j:
                lasso = Lasso(alpha=0.1).fit(scaled[i] * (kl[i] > 0.01), scaled[j])
                relation = np.abs(lasso.coef_.T)[kl[i] > 0.01][:, kl[j] > 0.01]
                with np.errstate(invalid="ignore"):
                    columns = np.nan_to_num(relation.max(axis=0) ** 2 / relation.sum(axis=0))
                    rows = np.nan_to_num(relation.max(axis=1) ** 2 / relation.sum(axis=1))
                scores[i, j] = (columns.mean() + rows.mean()) / 2
    expected = [np.median(np.delete(scores[:, i], i)) for i in range(3)]
    ours = udr(models, kl=kl, **PUBLISHED)
    assert [ours.parts[f"model {i}"] for i in range(3)] == pytest.approx(expected, abs=1e-6)
    assert ours.value == pytest.approx(np.mean(expected), abs=1e-6)


def test_numbers_of_rows_are_those_given(codes: Any, factors: Any) -> None:
    short = explicitness(codes[:300], factors[:300], num_train=200, num_test=100, **PUBLISHED)
    longer = explicitness(codes, factors, num_train=200, num_test=100, **PUBLISHED)
    assert short.value == longer.value


@pytest.mark.parametrize("metric", [dci_es, partition_score])
def test_what_that_library_has_not_is_not_offered(metric: Any, codes: Any, factors: Any) -> None:
    with pytest.raises(ValueError, match="give None"):
        metric(codes[:, :3], factors, compat="disentanglement_lib")
