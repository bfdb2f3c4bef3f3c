"""The gaps for factors that depend on one another, where their values have a closed form."""

from typing import Any

import numpy as np
import pytest
from synthetic import random_factors, turned, with_noise_latents

from distaff.metrics.dependent_factors import left_open, own_latents
from distaff.metrics.dlig import dlig
from distaff.metrics.dmig import dmig
from distaff.metrics.information.score import information_tables
from distaff.metrics.mig_sup import mig_sup
from distaff.metrics.mutual_information_gap import mutual_information_gap
from distaff.metrics.xmig import xmig

ALL = (dmig, xmig, dlig)
EQUAL, ROWS = 0.8, 10_000
"""Share of the rows in which two even binary factors have the same value."""
SHARED = -(EQUAL * np.log(EQUAL) + (1 - EQUAL) * np.log(1 - EQUAL)) / np.log(2)
"""H(v | w) / H(v) of these factors."""


def value(metric: Any, codes: Any, factors: Any, **settings: Any) -> Any:
    return metric(codes, factors, repeats=0, **settings).value


@pytest.fixture(scope="module")
def binary() -> Any:
    first = np.repeat([0, 1], ROWS // 2)
    second = np.where(np.tile(np.arange(5) < 5 * EQUAL, ROWS // 5), first, 1 - first)
    return np.stack([first, second], axis=1)


@pytest.fixture(scope="module")
def independent() -> Any:
    return random_factors(ROWS)


def test_a_perfect_code_of_dependent_factors_scores_1_where_the_plain_gap_cannot(
    binary: Any,
) -> None:
    codes = with_noise_latents(binary.astype(float), 2)
    assert value(mutual_information_gap, codes, binary) == pytest.approx(SHARED, abs=0.005)
    for metric in ALL:
        score = metric(codes, binary, repeats=0)
        assert score.value == pytest.approx(1, abs=0.01)
        assert score.ceiling == pytest.approx(1, abs=0.005)
        assert score.chance == pytest.approx(0, abs=0.02)


def test_what_a_factor_leaves_open_is_its_conditional_entropy(binary: Any) -> None:
    tables = information_tables(binary, binary, None, None, None, 0, 0)
    assert left_open(tables) == pytest.approx(np.array([[1, SHARED], [SHARED, 1]]), abs=0.01)


def test_a_latent_of_both_factors_has_the_gaps_of_the_formulas(binary: Any) -> None:
    """z tells both; the one other latent tells the second only, so the first one owns z."""
    both = (2 * binary[:, 0] + binary[:, 1]).astype(float)
    codes = np.c_[both, binary[:, 1].astype(float)]
    # of the first factor z tells 1 bit, the other latent I(v; w); of the second both tell 1 bit
    parts = dmig(codes, binary, repeats=0).parts
    assert parts["factor 0"] == pytest.approx(1, abs=0.01)
    assert parts["factor 1"] == pytest.approx(0, abs=0.01)
    parts = dlig(codes, binary, repeats=0).parts
    assert parts["latent 0"] == pytest.approx(0, abs=0.01)
    assert parts["latent 1"] == pytest.approx(1, abs=0.02)
    assert value(xmig, codes, binary) == pytest.approx(1, abs=0.01)


def test_a_copy_that_belongs_to_no_factor_costs_both_gaps_of_latents(binary: Any) -> None:
    codes = np.c_[binary, binary[:, 0]].astype(float)
    for metric in (dmig, xmig):
        parts = metric(codes, binary, repeats=0).parts
        assert parts["factor 0"] == pytest.approx(0, abs=0.01)
        # of the second factor the first one's latents tell I(v; w), of which w is one for dmig
        assert parts["factor 1"] == pytest.approx(1 if metric is dmig else SHARED, abs=0.01)
    assert value(dlig, codes, binary) == pytest.approx(1, abs=0.01)


def test_for_independent_factors_they_are_the_plain_gaps(independent: Any) -> None:
    codes = independent + np.random.default_rng(1).normal(size=independent.shape)
    gap = value(mutual_information_gap, codes, independent)
    assert value(dmig, codes, independent) == pytest.approx(gap, abs=0.005)
    assert value(xmig, codes, independent) == pytest.approx(gap, abs=0.005)
    assert value(dlig, codes, independent) == pytest.approx(
        value(mig_sup, codes, independent), abs=0.005
    )


def test_noise_scores_0_and_mixing_less_than_1(independent: Any) -> None:
    noise = np.random.default_rng(2).normal(size=(ROWS, 8))
    mixed = turned(independent.astype(float), [(3, 4)]) + 0.1 * noise[:, :5]
    for metric in ALL:
        assert value(metric, noise, independent) == pytest.approx(0, abs=0.01)
        assert value(metric, mixed, independent) < (0.85 if metric is xmig else 0.65)
        score = metric(np.zeros((ROWS, 2)), independent, repeats=0)
        assert score.value == 0
        assert score.parts["dead latents"] == 2


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(
    "change",
    [
        lambda z: z[:, ::-1],
        lambda z: -z,
        lambda z: z * np.array([0.01, -100]),
        lambda z: z**3,
    ],
    ids=["permuted", "flipped", "rescaled", "cubed"],
)
def test_the_form_of_a_latent_changes_nothing(metric: Any, change: Any, binary: Any) -> None:
    codes = binary + np.random.default_rng(3).normal(size=binary.shape)
    before = value(metric, codes, binary)
    assert value(metric, change(codes), binary) == pytest.approx(before, abs=5e-3)


def test_fewer_latents_than_factors_leave_a_factor_without(independent: Any) -> None:
    codes = independent[:, 3:].astype(float)
    for metric in (dmig, xmig):
        parts = metric(codes, independent, repeats=0).parts
        assert [parts[f"factor {k}"] for k in range(3)] == [0, 0, 0]
    assert value(dlig, codes, independent) == pytest.approx(1, abs=0.01)


def test_the_latents_of_factors_are_the_best_assignment(independent: Any) -> None:
    codes = np.roll(with_noise_latents(independent.astype(float), 1), 1, axis=1)
    tables = information_tables(codes, independent, None, None, None, 0, 0)
    assert own_latents(tables.whole).tolist() == [1, 2, 3, 4, 5]


def test_a_factor_that_another_one_decides_is_refused(binary: Any) -> None:
    decided = np.c_[binary, 2 * binary[:, 0] + np.arange(ROWS) % 2]
    codes = decided.astype(float)
    for metric in (dmig, dlig):
        with pytest.raises(ValueError, match="c decides a, so that no latent"):
            metric(codes, decided, factor_names=["a", "b", "c"])
    assert value(xmig, codes, decided) == pytest.approx(1, abs=0.01)


def test_the_interval_lies_around_the_value(binary: Any) -> None:
    codes = binary + 0.5 * np.random.default_rng(3).normal(size=binary.shape)
    rows = np.random.default_rng(4).permutation(ROWS)[:1000]
    for metric in ALL:
        score = metric(codes[rows], binary[rows], repeats=10)
        assert score.interval[0] < score.value < score.interval[1]  # type: ignore[index]
        with pytest.raises(ValueError, match="not offered"):
            metric(codes, binary, compat="disentanglement_lib")
