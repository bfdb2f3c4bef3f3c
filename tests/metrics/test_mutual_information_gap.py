from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_selection import mutual_info_classif

from distaff.metrics import mutual_information_gap
from distaff.metrics.arrays import checked
from distaff.metrics.information.mutual_information import entropy, mutual_information

SIZES = (3, 6, 40, 32, 32)
"""Of dSprites."""


@pytest.fixture(scope="module")
def factors() -> Any:
    return np.random.default_rng(0).integers(0, SIZES, size=(5000, 5))


def gap(codes: Any, factors: Any, **settings: Any) -> Any:
    return mutual_information_gap(codes, factors, **{"repeats": 0, **settings})


def test_a_perfect_code_scores_one_and_so_does_its_ceiling(factors: Any) -> None:
    score = gap(factors.astype(float), factors)
    assert score.value == pytest.approx(1, abs=0.02)
    assert score.ceiling == pytest.approx(score.value, abs=1e-3)
    assert abs(score.chance) < 0.02


@pytest.mark.parametrize(
    "change",
    [
        lambda z: z[:, ::-1],
        lambda z: -z,
        lambda z: z * np.array([0.01, 0.1, 1, 10, 100]),
        lambda z: z + 1000,
        lambda z: z**3,
        lambda z: np.c_[z, np.zeros(len(z))],
        lambda z: np.r_[[[1e6] * 5], z[1:]],
    ],
    ids=["permuted", "flipped", "rescaled", "shifted", "cubed", "dead latent", "outlier"],
)
def test_what_changes_no_information_changes_no_score(factors: Any, change: Any) -> None:
    noise = np.random.default_rng(1).normal(size=factors.shape)
    codes = factors + 0.3 * noise
    assert gap(change(codes), factors).value == pytest.approx(gap(codes, factors).value, abs=0.01)


def test_worse_codes_score_less(factors: Any) -> None:
    generator = np.random.default_rng(1)
    codes = factors + 0.1 * generator.normal(size=factors.shape)
    perfect = gap(codes, factors).value
    turn = np.eye(5)
    turn[3:, 3:] = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
    assert gap(codes @ turn, factors).value < perfect - 0.2
    assert gap(np.c_[codes, codes[:, :2]], factors).value == pytest.approx(
        perfect * 3 / 5, abs=0.05
    )
    assert abs(gap(generator.normal(size=factors.shape), factors).value) < 0.02


def test_parts_are_named_and_a_factor_with_one_value_is_left_out(factors: Any) -> None:
    with_color = np.c_[np.zeros(len(factors), dtype=int), factors[:, :2]]
    score = gap(with_color.astype(float), with_color, factor_names=["color", "shape", "scale"])
    assert list(score.parts) == ["shape", "scale", "dead latents"]
    assert score.relation.shape == (3, 3)
    assert score.relation[:, 0].tolist() == [0, 0, 0]


def test_the_interval_covers_the_spread_over_samples() -> None:
    """The value on fresh rows lies in the interval about 19 times of 20."""
    generator = np.random.default_rng(3)

    def draw(count: int) -> Any:
        factors = generator.integers(0, 6, size=(count, 2))
        return factors + generator.normal(size=(count, 2)), factors

    truth = gap(*draw(50_000)).value
    covered = 0
    for _ in range(30):
        score = gap(*draw(1000), repeats=20)
        covered += score.interval[0] <= truth <= score.interval[1]
    assert covered >= 24


def test_one_latent_has_nothing_in_the_second_place(factors: Any) -> None:
    score = gap(factors[:, :1].astype(float), factors[:, :1])
    assert score.value == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (np.full((200, 2), np.nan), np.zeros((200, 1), int), "NaN"),
        (np.zeros((200, 2)), np.zeros((100, 1), int), "a row for each image"),
        (np.zeros((10, 2)), np.zeros((10, 1), int), "at least 100 rows"),
        (np.zeros((200, 2)), np.zeros((200, 1), int), "nothing to tell apart"),
    ],
)
def test_arrays_that_make_no_score_are_refused(codes: Any, factors: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked(codes, factors, None)


def test_information_equals_the_closed_form_for_a_mixture() -> None:
    """z uniform on v + [0, 1): information is the entropy; on [0, 2): half a bit is lost."""
    generator = np.random.default_rng(0)
    factor = generator.integers(0, 2, size=(20_000, 1))
    apart = factor + generator.uniform(size=(20_000, 1))
    overlapping = factor + generator.uniform(size=(20_000, 1)) * 2
    assert mutual_information(apart, factor)[0, 0] == pytest.approx(np.log(2), abs=0.01)
    # densities overlap on [1, 2): I = H(v) - 1/2 log 2
    assert mutual_information(overlapping, factor)[0, 0] == pytest.approx(0.5 * np.log(2), abs=0.02)


def test_information_equals_that_of_scikit_learn(factors: Any) -> None:
    generator = np.random.default_rng(0)
    codes = factors + generator.normal(size=factors.shape) * 2
    ours = mutual_information(codes, factors)
    for column in (1, 3):
        theirs = mutual_info_classif(codes, factors[:, column], n_neighbors=3, random_state=0)
        assert np.allclose(ours[:, column], theirs, atol=0.02)


def test_entropy_of_even_values_is_the_log_of_their_number() -> None:
    even = np.arange(1200)[:, None] % np.array([[3, 40]])
    assert np.allclose(entropy(even), np.log([3, 40]))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50))
def test_information_does_not_change_with_scale_and_shift(
    seed: int, scale: Any, shift: Any
) -> None:
    generator = np.random.default_rng(seed)
    factor = generator.integers(0, 4, size=(300, 1))
    codes = factor + generator.normal(size=(300, 2))
    before = mutual_information(codes, factor)
    assert np.allclose(mutual_information(scale * codes + shift, factor), before, atol=1e-6)
