"""How much latents matter to a prediction, from its definition and where the answer is known."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from synthetic import SIZES

from distaff.metrics import dci, dci_es
from distaff.metrics.prediction.importance import (
    LUCK,
    _may_be_luck,
    held_out_importance,
    importances,
)

PUBLISHED = "disentanglement_lib"


@cache
def noisy_code(rows: Any, sizes: Any = SIZES, noise_latents: Any = 5, seed: int = 0) -> Any:
    """Each latent a factor with half its spread of noise, and latents of noise."""
    generator = np.random.default_rng([seed, rows])
    factors = generator.integers(0, sizes, size=(rows, len(sizes)))
    codes = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    codes += 0.5 * generator.normal(size=codes.shape)
    return np.hstack([codes, generator.normal(size=(rows, noise_latents))]), factors


def test_importance_is_what_each_cut_adds_to_the_probability_of_the_truth() -> None:
    codes, factors = noisy_code(300, (3, 4), 2)
    labels = factors[:, 1]
    forest = ExtraTreesClassifier(3, max_features=None, min_samples_leaf=9, random_state=0)
    forest.fit(codes[:200], labels[:200])
    expected = np.zeros(codes.shape[1])
    for row, label in zip(codes[200:].astype(np.float32), labels[200:], strict=True):
        for estimator in forest.estimators_:
            tree, node = estimator.tree_, 0
            while tree.children_left[node] >= 0:
                latent = tree.feature[node]
                left = row[latent] <= tree.threshold[node]
                child = (tree.children_left if left else tree.children_right)[node]
                share = [tree.value[i, 0] / tree.value[i, 0].sum() for i in (node, child)]
                expected[latent] += (share[1][label] - share[0][label]) / 300
                node = child
    found = held_out_importance(forest, codes[200:], labels[200:])
    assert found == pytest.approx(np.maximum(expected, 0))


def test_on_the_rows_that_train_it_is_the_importance_of_scikit_learn() -> None:
    codes, factors = noisy_code(300, (3, 4), 2)
    forest = ExtraTreesClassifier(1, max_features=None, random_state=0).fit(codes, factors[:, 1])
    found = held_out_importance(forest, codes, factors[:, 1])
    assert found / found.sum() == pytest.approx(forest.feature_importances_)


def test_a_value_that_the_trees_have_never_seen_counts_nothing() -> None:
    codes, factors = noisy_code(300, (3, 4), 2)
    labels = factors[:, 1].copy()
    forest = ExtraTreesClassifier(2, max_features=None, random_state=0).fit(codes, labels)
    labels[:100] = 7
    share = held_out_importance(forest, codes[100:], labels[100:]) * 200 / 300
    assert held_out_importance(forest, codes, labels) == pytest.approx(share)


@pytest.mark.parametrize("classes", [2, 10])
def test_luck_is_judged_as_random_orders_judge_it(classes: int) -> None:
    generator = np.random.default_rng(classes)
    labels = generator.integers(0, classes, size=300)
    probability = generator.dirichlet(np.ones(classes), size=300)
    for skill in (0.0, 0.05, 0.3):
        given = (1 - skill) * probability + skill * np.eye(classes)[labels]
        orders = [generator.permutation(labels) for _ in range(2_000)]
        by_chance = np.array([given[np.arange(300), order].mean() for order in orders])
        # so far out that only the spread of the orders can be compared, not their tail
        sigmas = (given[np.arange(300), labels].mean() - by_chance.mean()) / by_chance.std()
        assert _may_be_luck(given, labels) == (sigmas < 3.72)
    assert LUCK == 1e-4


@pytest.mark.parametrize(("sizes", "noise_latents"), [(SIZES, 0), (SIZES, 5), ((4, 4, 4), 3)])
def test_dci_of_a_noisy_code_climbs_to_1_and_is_there_at_3_000_rows(
    sizes: Any, noise_latents: int
) -> None:
    values = [
        np.mean(
            [
                dci(*noisy_code(rows, sizes, noise_latents, seed), repeats=0).value
                for seed in range(3)
            ]
        )
        for rows in (500, 1_000, 3_000)
    ]
    assert values == pytest.approx(sorted(values), abs=0.01)
    assert values[0] > 0.75
    assert values[2] > 0.95


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "noise_latents"), [(SIZES, 0), (SIZES, 5), ((4, 4, 4), 3)])
def test_dci_stays_there_with_more_rows(sizes: Any, noise_latents: int) -> None:
    for rows in (3_000, 10_000, 30_000):
        score = dci(*noisy_code(rows, sizes, noise_latents))
        assert score.value > 0.95
        assert 0.9 < score.interval[0] < score.interval[1] <= 1  # type: ignore[index]


def test_dci_of_turned_latents_is_within_a_twentieth_of_its_limit_at_3_000_rows() -> None:
    turn = np.eye(8)
    turn[3:5, 3:5] = np.sqrt(0.5) * np.array([[1, -1], [1, 1]])
    near, limit = (
        dci(codes @ turn, factors, repeats=0).value
        for codes, factors in (noisy_code(rows, SIZES, 3) for rows in (3_000, 30_000))
    )
    assert near == pytest.approx(limit, abs=0.05)
    assert limit < 0.9


@pytest.mark.parametrize("backend", ["extra-trees", "random-forest", "lasso"])
def test_the_importances_follow_the_latents_into_another_order(backend: str) -> None:
    codes, factors = noisy_code(400, (3, 4), 3)
    rows = (np.arange(300), np.arange(300, 400))
    order = np.array([3, 0, 4, 1, 2])
    first, second = (importances(c, factors, rows, backend, 0) for c in (codes, codes[:, order]))
    assert (second[0] == first[0][order]).all()
    assert (second[1] == first[1]).all()


@pytest.mark.parametrize("metric", [dci, dci_es])
def test_the_order_of_the_latents_changes_no_digit(metric: Any) -> None:
    codes, factors = noisy_code(600, (3, 4), 3)
    first, second = (metric(c, factors, repeats=3) for c in (codes, codes[:, [3, 0, 4, 1, 2]]))
    assert second.value == pytest.approx(first.value, abs=1e-12)
    assert second.interval == pytest.approx(first.interval, abs=1e-12)
    assert second.parts["disentanglement"] == pytest.approx(first.parts["disentanglement"])


def test_a_rare_factor_that_a_half_misses_has_an_interval() -> None:
    codes, factors = noisy_code(200, (3, 4), 2)
    factors = factors.copy()
    factors[:, 1] = np.arange(200) == 7
    assert 0 <= dci(codes, factors).interval[0] <= 1  # type: ignore[index]
    assert 0 <= dci_es(codes, factors).interval[0] <= 1  # type: ignore[index]
