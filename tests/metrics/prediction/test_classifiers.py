"""The logistic regression, the splits and the drawing of rows that scores share."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from distaff.metrics.explicitness import mean_area
from distaff.metrics.intervention import MatchedRows
from distaff.metrics.prediction.classifiers import (
    class_log_probabilities,
    fitted,
    in_the_roles_of_the_whole,
    order_by_content,
    outliers,
    splitting,
    standardized,
    train_and_test_rows,
)


def test_the_logistic_regression_is_that_of_scikit_learn_with_a_weak_penalty() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, size=600)
    codes = generator.normal(size=(600, 3)) + labels[:, None] * [0.5, -0.3, 0.0]
    reference = LogisticRegression(C=1e4, tol=1e-8, max_iter=1_000).fit(codes[:400], labels[:400])
    ours = class_log_probabilities(codes[:400], labels[:400], codes[400:], 4)
    assert np.exp(ours) == pytest.approx(reference.predict_proba(codes[400:]), abs=1e-3)


def test_it_tells_apart_the_40_values_of_a_single_latent() -> None:
    labels = np.random.default_rng(0).integers(0, 40, size=3_000)
    codes = standardized(labels[:, None].astype(float))
    guess = class_log_probabilities(codes[:2_000], labels[:2_000], codes[2_000:], 40).argmax(axis=1)
    assert (guess == labels[2_000:]).mean() > 0.99


def test_the_area_is_that_of_scikit_learn() -> None:
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
def test_standardized_codes_do_not_know_scale_shift_or_sign_and_hardly_a_cube(
    scale: Any, shift: Any, sign: Any, seed: int
) -> None:
    codes = np.round(np.random.default_rng(seed).normal(size=(200, 2)), 1)  # with ties
    expected = standardized(codes)
    assert standardized(sign * scale * codes + shift) == pytest.approx(expected, abs=1e-9)
    # a cube brings values near 0 within a hundredth of the width, where they begin to share a rank
    cubed = standardized(sign * codes**3)
    assert cubed == pytest.approx(expected, abs=0.2)
    assert (cubed * expected).mean(axis=0).min() > 0.999


def test_a_dead_latent_becomes_zero() -> None:
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
def test_the_published_split_takes_the_first_rows_and_the_next(
    count: int, numbers: Any, expected: Any
) -> None:
    codes = np.zeros((count, 1))
    train, test = train_and_test_rows(codes, "disentanglement_lib", *numbers, seed=0)  # type: ignore[misc]
    assert (len(train), len(test)) == expected
    assert np.concatenate([train, test]).tolist() == list(range(sum(expected)))


def test_the_split_without_compat_is_random_and_leaves_no_row_out() -> None:
    train, test = train_and_test_rows(np.zeros((900, 1)), None, None, None, seed=0)
    assert (len(train), len(test)) == (600, 300)
    assert sorted([*train, *test]) == list(range(900))


def test_rows_that_lie_apart_do_not_train() -> None:
    codes = np.random.default_rng(0).normal(size=(900, 3))
    codes[[5, 6], [0, 1]] = 1e3, -1e3
    assert np.flatnonzero(outliers(codes)).tolist() == [5, 6]
    train, test = train_and_test_rows(codes, None, None, None, seed=0)
    assert len(test) == 300
    assert not {5, 6} & set(train)


def test_long_tails_and_rare_values_do_not_lie_apart() -> None:
    tailed = np.random.default_rng(0).standard_t(1, size=(900, 3))
    indicator = np.random.default_rng(0).normal(scale=0.01, size=(900, 1))
    indicator[::40] += 1
    switch = np.zeros((900, 1))
    switch[0] = 1
    assert not outliers(np.hstack([tailed, indicator, switch])).any()


def test_halves_are_split_in_the_published_proportion() -> None:
    codes = np.zeros((900, 1))
    read, split = splitting(codes, "disentanglement_lib", 400, 200, seed=0)
    assert len(codes[read]) == 600
    assert [part.tolist() for part in split(codes[read])] == [
        list(range(400)),
        list(range(400, 600)),
    ]
    assert [part.tolist() for part in split(codes[:300])] == [
        list(range(200)),
        list(range(200, 300)),
    ]


def test_halves_without_compat_are_split_at_random() -> None:
    read, split = splitting(np.zeros((900, 1)), None, None, None, seed=0)
    assert len(np.zeros(900)[read]) == 900
    train, test = split(np.zeros((450, 1)))
    assert (len(train), len(test)) == (300, 150)
    assert sorted([*train, *test]) == list(range(450))


def test_the_rows_that_test_the_whole_test_its_halves() -> None:
    codes = np.random.default_rng(0).normal(size=(900, 1))
    _, test = train_and_test_rows(codes, None, None, None, seed=3)
    half = np.random.default_rng(1).permutation(900)[:450]
    arranged = in_the_roles_of_the_whole(half, 900, seed=3)
    assert sorted(arranged) == sorted(half)
    _, own = train_and_test_rows(codes[arranged], None, None, None, seed=3)
    strangers = set(arranged[own]) ^ (set(half) & set(test))
    assert len(strangers) == abs(150 - len(set(half) & set(test)))  # as many as the sizes differ


def test_a_classifier_that_has_met_one_value_guesses_it() -> None:
    guess = fitted(LogisticRegression(), np.zeros((9, 1)), np.full(9, 4)).predict(np.ones((3, 1)))
    assert guess.tolist() == [4, 4, 4]


def test_the_order_by_content_follows_the_latents() -> None:
    codes = np.random.default_rng(0).normal(size=(50, 6))
    moved = np.array([4, 1, 5, 0, 2, 3])
    first, second = codes[:, order_by_content(codes)], codes[:, moved]
    assert (second[:, order_by_content(second)] == first).all()
    assert sorted(order_by_content(codes)) == list(range(6))


def test_the_order_by_content_is_that_of_latents_of_other_scales() -> None:
    column = np.random.default_rng(0).normal(size=2_000)
    swapped = np.r_[column[:-2], column[-1], column[-2]]  # which differs in the last rows alone
    orders, first_bits = set(), set()
    for factor in (1e-6, 1 / 3, 0.7, 1.0, 7.0, 11.3, 1e5):
        scores = standardized(np.stack([column, factor * swapped + 5], axis=1))
        orders.add(tuple(order_by_content(scores)))
        first_bits.add(np.sign(scores[0, 1] - scores[0, 0]))
    assert len(first_bits) > 1  # the last bits alone would say one or the other
    assert len(orders) == 1


@pytest.mark.parametrize("numbers", [(901, None), (800, 200), (1, None)])
def test_more_rows_than_there_are_is_an_error(numbers: Any) -> None:
    with pytest.raises(ValueError, match="900"):
        train_and_test_rows(np.zeros((900, 1)), "disentanglement_lib", *numbers, seed=0)  # type: ignore[misc]


@pytest.mark.parametrize("numbers", [(100, None), (None, 100)])
def test_numbers_of_rows_belong_to_the_published_score(numbers: Any) -> None:
    with pytest.raises(ValueError, match="compat"):
        train_and_test_rows(np.zeros((900, 1)), None, *numbers, seed=0)  # type: ignore[misc]


def test_companions_share_the_value_and_are_another_row() -> None:
    generator = np.random.default_rng(0)
    factor = generator.integers(0, 7, size=200)
    factor[:3] = [100, 101, 102]  # values that occur once
    companions = MatchedRows(factor, "shape")
    rows = companions.rows((50, 40), generator)
    others = companions.of(rows, generator)
    assert (factor[rows] == factor[others]).all()
    assert (rows != others).all()
    assert rows.min() >= 3


def test_each_other_row_of_the_value_is_as_likely() -> None:
    companions = MatchedRows(np.array([0, 1, 0, 1, 0, 0]), "shape")
    others = companions.of(np.full(6_000, 2), np.random.default_rng(0))
    counts = np.bincount(others, minlength=6)
    assert counts[[1, 2, 3]].tolist() == [0, 0, 0]
    assert counts[[0, 4, 5]] == pytest.approx(2_000, abs=150)


def test_a_group_has_one_value_and_no_row_twice_where_the_rows_suffice() -> None:
    generator = np.random.default_rng(0)
    factor = generator.integers(0, 4, size=200)
    rows, values = MatchedRows(factor, "shape").groups(130, 20, generator)
    assert rows.shape == (130, 20)
    assert (factor[rows] == factor[rows[:, :1]]).all()
    assert (values == factor[rows]).all()
    assert all(len(set(group)) == 20 for group in rows.tolist())


def test_a_group_goes_on_where_the_rows_of_a_value_do_not_suffice() -> None:
    generator = np.random.default_rng(0)
    factor = np.concatenate([np.repeat(np.arange(50), 3), np.full(60, 50), [51]])
    groups, values = MatchedRows(factor, "shape").groups(400, 20, generator)
    assert not (groups == 210).any()  # which has no companion
    assert all(len(set(group)) == 20 for group in groups.tolist())
    of_few = values[:, 0] < 50
    assert of_few.mean() == pytest.approx(150 / 210, abs=0.1)
    assert (values[~of_few] == 50).all()
    for group in values[of_few]:  # all of a value, then all of the next
        first = np.flatnonzero(np.diff(group, prepend=-1))
        assert first.tolist() == [0, 3, 6, 9, 12, 15, 18]
        assert len(set(group[first])) == 7


def test_each_row_is_as_often_in_a_group() -> None:
    generator = np.random.default_rng(0)
    factor = np.repeat([0, 1, 2], [10, 10, 5])
    groups, _ = MatchedRows(factor, "shape").groups(9_000, 5, generator)
    assert np.bincount(groups.ravel()) == pytest.approx(9_000 * 5 / 25, rel=0.1)


def test_fewer_rows_than_a_group_needs_are_all_in_it() -> None:
    groups, _ = MatchedRows(np.arange(12) // 2, "shape").groups(30, 64, np.random.default_rng(0))
    assert (np.sort(groups, axis=1) == np.arange(12)).all()


def test_rows_that_share_nothing_are_an_error() -> None:
    with pytest.raises(ValueError, match="shape"):
        MatchedRows(np.arange(100), "shape")
