"""The logistic regression, the splits and the drawing of rows that scores share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from distaff.metrics.explicitness import mean_area
from distaff.metrics.intervention import Companions
from distaff.metrics.prediction import (
    class_log_probabilities,
    lying_apart,
    standardized,
    train_and_test_rows,
)


def test_the_logistic_regression_is_that_of_scikit_learn_with_a_weak_penalty():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, size=600)
    codes = generator.normal(size=(600, 3)) + labels[:, None] * [0.5, -0.3, 0.0]
    reference = LogisticRegression(C=1e4, tol=1e-8, max_iter=1_000).fit(codes[:400], labels[:400])
    ours = class_log_probabilities(codes[:400], labels[:400], codes[400:], 4)
    assert np.exp(ours) == pytest.approx(reference.predict_proba(codes[400:]), abs=1e-3)


def test_it_tells_apart_the_40_values_of_a_single_latent():
    labels = np.random.default_rng(0).integers(0, 40, size=3_000)
    codes = standardized(labels[:, None].astype(float))
    guess = class_log_probabilities(codes[:2_000], labels[:2_000], codes[2_000:], 40).argmax(axis=1)
    assert (guess == labels[2_000:]).mean() > 0.99


def test_the_area_is_that_of_scikit_learn():
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 5, size=300)
    probabilities = np.round(generator.dirichlet(np.ones(5), size=300), 2)  # with ties
    reference = roc_auc_score(np.eye(5)[labels], probabilities)
    assert mean_area(probabilities, labels) == pytest.approx(reference)


@given(
    scale=st.floats(0.01, 100),
    shift=st.floats(-100, 100),
    sign=st.sampled_from([-1, 1]),
    seed=st.integers(0, 99),
)
@settings(max_examples=20, deadline=None)
def test_standardized_codes_do_not_know_scale_shift_or_sign_and_hardly_a_cube(scale, shift, sign, seed):
    codes = np.round(np.random.default_rng(seed).normal(size=(200, 2)), 1)  # with ties
    expected = standardized(codes)
    assert standardized(sign * scale * codes + shift) == pytest.approx(expected, abs=1e-9)
    # a cube brings values near 0 within a hundredth of the width, where they begin to share a rank
    cubed = standardized(sign * codes**3)
    assert cubed == pytest.approx(expected, abs=0.2)
    assert (cubed * expected).mean(axis=0).min() > 0.999


def test_a_dead_latent_becomes_zero():
    codes = np.column_stack([np.arange(100.0), np.full(100, 7.0)])
    assert (standardized(codes)[:, 1] == 0).all()
    assert standardized(codes)[:, 0].std() == pytest.approx(1)


@pytest.mark.parametrize(
    ("count", "numbers", "expected"),
    [
        (20_000, (None, None), (10_000, 5_000)),
        (900, (None, None), (600, 300)),
        (900, (100, None), (100, 800)),
        (900, (100, 50), (100, 50)),
    ],
)
def test_the_published_split_takes_the_first_rows_and_the_next(count, numbers, expected):
    codes = np.zeros((count, 1))
    train, test = train_and_test_rows(codes, "disentanglement_lib", *numbers, seed=0)
    assert (len(train), len(test)) == expected
    assert np.concatenate([train, test]).tolist() == list(range(sum(expected)))


def test_the_split_without_compat_is_random_and_leaves_no_row_out():
    train, test = train_and_test_rows(np.zeros((900, 1)), None, None, None, seed=0)
    assert (len(train), len(test)) == (600, 300)
    assert sorted([*train, *test]) == list(range(900))


def test_rows_that_lie_apart_do_not_train():
    codes = np.random.default_rng(0).normal(size=(900, 3))
    codes[[5, 6], [0, 1]] = 1e3, -1e3
    assert np.flatnonzero(lying_apart(codes)).tolist() == [5, 6]
    train, test = train_and_test_rows(codes, None, None, None, seed=0)
    assert len(test) == 300
    assert not {5, 6} & set(train)


def test_long_tails_and_rare_values_do_not_lie_apart():
    tailed = np.random.default_rng(0).standard_t(1, size=(900, 3))
    indicator = np.random.default_rng(0).normal(scale=0.01, size=(900, 1))
    indicator[::40] += 1
    switch = np.zeros((900, 1))
    switch[0] = 1
    assert not lying_apart(np.hstack([tailed, indicator, switch])).any()


@pytest.mark.parametrize("numbers", [(901, None), (800, 200), (1, None)])
def test_more_rows_than_there_are_is_an_error(numbers):
    with pytest.raises(ValueError, match="900"):
        train_and_test_rows(np.zeros((900, 1)), "disentanglement_lib", *numbers, seed=0)


@pytest.mark.parametrize("numbers", [(100, None), (None, 100)])
def test_numbers_of_rows_belong_to_the_published_score(numbers):
    with pytest.raises(ValueError, match="compat"):
        train_and_test_rows(np.zeros((900, 1)), None, *numbers, seed=0)


def test_companions_share_the_value_and_are_another_row():
    generator = np.random.default_rng(0)
    factor = generator.integers(0, 7, size=200)
    factor[:3] = [100, 101, 102]  # values that occur once
    companions = Companions(factor, "shape")
    rows = companions.rows((50, 40), generator)
    others = companions.of(rows, generator)
    assert (factor[rows] == factor[others]).all()
    assert (rows != others).all()
    assert rows.min() >= 3


def test_each_other_row_of_the_value_is_as_likely():
    companions = Companions(np.array([0, 1, 0, 1, 0, 0]), "shape")
    others = companions.of(np.full(6_000, 2), np.random.default_rng(0))
    counts = np.bincount(others, minlength=6)
    assert counts[[1, 2, 3]].tolist() == [0, 0, 0]
    assert counts[[0, 4, 5]] == pytest.approx(2_000, abs=150)


def test_rows_that_share_nothing_are_an_error():
    with pytest.raises(ValueError, match="shape"):
        Companions(np.arange(100), "shape")
