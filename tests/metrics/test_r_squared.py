"""R2 of held-out images, against scikit-learn and closed forms."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from synthetic import random_factors, turned, with_noise_latents

from distaff.metrics.r_squared import r_squared

ROWS = 4_000


@pytest.fixture(scope="module")
def factors() -> Any:
    return random_factors(ROWS)


def value(codes: Any, factors: Any, **settings: Any) -> Any:
    return r_squared(codes, factors, repeats=0, **settings).value


def test_it_is_that_of_scikit_learn_but_for_the_variance_of_all_rows(factors: Any) -> None:
    generator = np.random.default_rng(1)
    codes = factors @ generator.normal(size=(5, 4)) + generator.normal(size=(ROWS, 4))
    held_out = factors[:, 3] > 15
    score = r_squared(codes, factors, held_out=held_out, repeats=0)
    probe = LinearRegression().fit(codes[~held_out], factors[~held_out])
    own = r2_score(factors[held_out], probe.predict(codes[held_out]), multioutput="raw_values")
    expected = 1 - (1 - own) * factors[held_out].var(axis=0) / factors.var(axis=0)
    assert [score.parts[f"factor {k}"] for k in range(5)] == pytest.approx(expected, abs=1e-9)
    assert score.value == pytest.approx(np.maximum(0, expected).mean(), abs=1e-9)


def test_a_perfect_code_has_1_in_any_rotation_and_noise_chance(factors: Any) -> None:
    held_out = factors[:, 3] > 15
    for codes in (factors.astype(float), turned(factors.astype(float), [(1, 2), (3, 4)])):
        score = r_squared(codes, factors, held_out=held_out, seed=1, repeats=0)
        assert score.value == pytest.approx(1, abs=1e-9)
        assert score.ceiling == pytest.approx(1, abs=1e-9)
        assert score.chance == pytest.approx(0, abs=0.01)
    # the variance of the rows held out is not quite that of all
    assert value(np.random.default_rng(2).normal(size=(ROWS, 5)), factors) < 0.03
    assert value(np.zeros((ROWS, 2)), factors) < 0.03


def test_noise_has_the_share_of_the_closed_form(factors: Any) -> None:
    spread = factors.std(axis=0)
    codes = factors + 0.5 * spread * np.random.default_rng(3).normal(size=factors.shape)
    assert value(codes, factors) == pytest.approx(1 / (1 + 0.25), abs=0.02)


def test_a_code_that_saturates_reads_what_it_has_seen_and_not_beyond(factors: Any) -> None:
    codes = factors.astype(float)
    codes[:, 3] = np.minimum(codes[:, 3], 16)
    beyond = factors[:, 3] > 16
    random = r_squared(codes[~beyond], factors[~beyond], repeats=0).parts
    assert random["factor 3"] == pytest.approx(1, abs=1e-9)
    # 16 is read for all of 17 to 31
    parts = r_squared(codes, factors, held_out=beyond, repeats=0).parts
    expected = 1 - np.mean((factors[beyond, 3] - 16) ** 2) / factors[:, 3].var()
    assert parts["factor 3"] == pytest.approx(expected, abs=1e-9)
    assert parts["factor 4"] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        lambda z: z[:, ::-1],
        lambda z: -3 * z + 100,
        lambda z: np.c_[z, np.ones(ROWS)],
        lambda z: with_noise_latents(z, 3),
    ],
    ids=["permuted", "rescaled", "dead latent", "noise"],
)
def test_the_form_of_a_latent_changes_little(change: Any, factors: Any) -> None:
    codes = factors + 3 * np.random.default_rng(3).normal(size=factors.shape)
    assert value(change(codes), factors) == pytest.approx(value(codes, factors), abs=5e-3)


def test_a_repeated_row_does_not_shift_what_is_held_out(factors: Any) -> None:
    codes = factors + 0.3 * np.random.default_rng(3).normal(size=factors.shape)
    held_out = factors[:, 3] > 15
    before = value(codes, factors, held_out=held_out)
    twice = np.r_[[5, 5, 5], np.arange(ROWS)]
    score = r_squared(codes[twice], factors[twice], held_out=held_out[twice], repeats=0)
    assert score.value == pytest.approx(before, abs=1e-9)
    assert "3 repeats" in score.estimator


def test_the_interval_and_what_is_refused(factors: Any) -> None:
    codes = factors + 10 * np.random.default_rng(3).normal(size=factors.shape)
    score = r_squared(codes[:600], factors[:600], factor_names=list("abcde"))
    assert score.interval[0] < score.value < score.interval[1]  # type: ignore[index]
    assert list(score.parts) == [*"abcde", "dead latents"]
    with pytest.raises(ValueError, match="hold out some, not all"):
        value(codes, factors, held_out=np.ones(ROWS, bool))
    with pytest.raises(ValueError, match="for each of the 4000 rows"):
        value(codes, factors, held_out=[True])
    with pytest.raises(ValueError, match="not offered"):
        value(codes, factors, compat="disentanglement_lib")


def test_the_units_of_latents_do_not_matter_however_far_apart(factors: Any) -> None:
    generator = np.random.default_rng(2)
    codes = factors @ generator.normal(size=(5, 4)) + generator.normal(size=(ROWS, 4))
    assert value(codes * [1e-6, 1e5, 3, 1], factors) == pytest.approx(value(codes, factors))
