"""Scores that train a classifier or intervene, on codes whose quality is known."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import SIZES, random_factors, turned, with_noise_latents

from distaff.metrics.beta_vae_score import beta_vae_score
from distaff.metrics.dci import dci
from distaff.metrics.dci_es import dci_es
from distaff.metrics.downstream_accuracy import downstream_accuracy
from distaff.metrics.explicitness import explicitness
from distaff.metrics.factor_vae_score import factor_vae_score
from distaff.metrics.interventional_robustness import interventional_robustness
from distaff.metrics.sap import sap

ROWS = 3_000
FREQUENT = np.mean([1 / size for size in SIZES])
CHANCE = {
    beta_vae_score: 1 / 5,
    factor_vae_score: 1 / 5,
    dci: 0.0,
    dci_es: 0.0,
    sap: 0.0,
    explicitness: 0.5,
    interventional_robustness: 0.0,
    downstream_accuracy: FREQUENT,
}
ONE_LATENT_A_FACTOR = (
    beta_vae_score,
    factor_vae_score,
    dci,
    sap,
    interventional_robustness,
)
all_metrics = pytest.mark.parametrize("metric", CHANCE, ids=lambda metric: metric.__name__)


def score(metric: Any, codes: Any, factors: Any, **others: Any) -> Any:
    if metric is downstream_accuracy:
        others = {"labels": (2_000,), **others}
    return metric(codes, factors, **{"repeats": 0, **others})


@pytest.fixture(scope="module")
def factors() -> Any:
    return random_factors(ROWS)


@pytest.fixture(scope="module")
def perfect(factors: Any) -> Any:
    return with_noise_latents(factors.astype(float), 3)


@pytest.fixture(scope="module")
def value_of_perfect(factors: Any, perfect: Any) -> Any:
    values = {}

    def remembered(metric: Any) -> Any:
        if metric not in values:
            values[metric] = score(metric, perfect, factors).value
        return values[metric]

    return remembered


@all_metrics
def test_the_factors_themselves_score_the_ceiling(metric: Any, factors: Any) -> None:
    result = score(metric, factors.astype(float), factors)
    assert result.value >= 0.97
    assert result.value == result.ceiling
    assert result.parts["dead latents"] == 0


@all_metrics
def test_latents_of_noise_beside_a_perfect_code_change_little(
    metric: Any, factors: Any, value_of_perfect: Any
) -> None:
    result = score(metric, factors.astype(float), factors)
    assert result.value - 0.04 < value_of_perfect(metric) <= result.value + 1e-9


@all_metrics
def test_order_sign_scale_and_shift_of_the_latents_do_not_matter(
    metric: Any, factors: Any, perfect: Any, value_of_perfect: Any
) -> None:
    generator = np.random.default_rng(2)
    order = generator.permutation(perfect.shape[1])
    scale = np.array([0.01, -0.01, 0.1, -1, 1, -10, 100, -100])
    changed = (perfect * scale + generator.normal(size=scale.shape))[:, order]
    assert score(metric, changed, factors).value == pytest.approx(
        value_of_perfect(metric), abs=0.005
    )


@all_metrics
def test_noise_scores_as_shuffled_factors_do(metric: Any, factors: Any) -> None:
    result = score(metric, np.random.default_rng(3).normal(size=(ROWS, 8)), factors)
    assert result.value == pytest.approx(result.chance, abs=0.05)
    assert result.value == pytest.approx(CHANCE[metric], abs=0.05)


@all_metrics
def test_heavy_tailed_noise_scores_as_noise_does(metric: Any, factors: Any) -> None:
    tailed = np.random.default_rng(3).standard_t(1.5, size=(ROWS, 8))
    assert score(metric, tailed, factors).value == pytest.approx(CHANCE[metric], abs=0.05)


@all_metrics
def test_a_dead_latent_changes_nothing_and_is_reported(
    metric: Any, factors: Any, perfect: Any, value_of_perfect: Any
) -> None:
    result = score(metric, np.column_stack([perfect, np.full(ROWS, 2.5)]), factors)
    assert result.value == pytest.approx(value_of_perfect(metric), abs=0.005)
    assert result.parts["dead latents"] == 1


@all_metrics
def test_a_dead_code_scores_chance(metric: Any, factors: Any) -> None:
    result = score(metric, np.ones((ROWS, 4)), factors)
    assert result.value <= CHANCE[metric] + 0.05  # type: ignore[operator]
    assert result.parts["dead latents"] == 4


@all_metrics
@pytest.mark.parametrize("row", [0, 1])  # one of them trains
def test_one_outlier_changes_nothing(
    metric: Any, row: int, factors: Any, perfect: Any, value_of_perfect: Any
) -> None:
    spoilt = perfect.copy()
    spoilt[row] = 1e4
    assert score(metric, spoilt, factors).value == pytest.approx(
        value_of_perfect(metric), abs=0.015
    )


@pytest.mark.parametrize("metric", ONE_LATENT_A_FACTOR, ids=lambda metric: metric.__name__)
def test_rotated_latents_lower_the_scores_of_disentanglement(
    metric: Any, factors: Any, value_of_perfect: Any
) -> None:
    codes = turned(with_noise_latents(factors.astype(float), 3), [(1, 4), (2, 3)])
    assert score(metric, codes, factors).value < value_of_perfect(metric) - 0.25


def test_rotated_latents_leave_the_scores_of_what_is_known(factors: Any) -> None:
    codes = turned(factors.astype(float), [(1, 4), (2, 3)])
    assert score(explicitness, codes, factors).value > 0.98


@all_metrics
def test_noise_on_the_latents_lowers_the_score(
    metric: Any, factors: Any, value_of_perfect: Any
) -> None:
    noisy = np.random.default_rng(4).normal(size=(ROWS, 8))
    noisy[:, :5] += (factors - factors.mean(axis=0)) / factors.std(axis=0)
    assert CHANCE[metric] < score(metric, noisy, factors).value < value_of_perfect(metric)


@all_metrics
def test_the_interval_holds_the_value_and_narrows_with_rows(metric: Any, factors: Any) -> None:
    noise = 3 if metric is factor_vae_score else 1  # which is sure of less
    noisy = noise * np.random.default_rng(4).normal(size=(ROWS, 5))
    noisy += (factors - factors.mean(axis=0)) / factors.std(axis=0)
    few, many = (
        score(metric, noisy[:rows], factors[:rows], repeats=6, **labels)
        for rows, labels in (
            (600, {"labels": (300,)} if metric is downstream_accuracy else {}),
            (ROWS, {}),
        )
    )
    for result in (few, many):
        assert result.interval[0] <= result.value <= result.interval[1]
    assert np.diff(many.interval) < np.diff(few.interval)
    assert score(metric, noisy, factors).interval is None


@all_metrics
def test_the_same_seed_gives_the_same_score(metric: Any, factors: Any, perfect: Any) -> None:
    first, second = (score(metric, perfect[:600], factors[:600], seed=7) for _ in range(2))
    assert first.value == second.value
    assert first.parts == second.parts


@all_metrics
def test_a_factor_that_does_not_vary_is_left_out(metric: Any, factors: Any, perfect: Any) -> None:
    coloured = np.column_stack([np.zeros(600, dtype=int), factors[:600]])
    names = ["colour", "shape", "scale", "orientation", "x", "y"]
    result = score(metric, perfect[:600], coloured, factor_names=names)
    assert result.value == score(metric, perfect[:600], factors[:600]).value
    assert "colour" not in result.parts
    if result.relation is not None:
        assert result.relation.shape == (8, 6)
        assert (result.relation[:, 0] == 0).all()


@all_metrics
def test_a_code_of_one_latent_has_a_score(metric: Any, factors: Any) -> None:
    result = score(metric, factors[:600, :1].astype(float), factors[:600])
    assert 0 <= result.value <= 1


@all_metrics
def test_a_continuous_factor_is_cut_into_cells(metric: Any) -> None:
    generator = np.random.default_rng(0)
    values = np.column_stack([generator.normal(size=600), generator.integers(0, 4, size=600)])
    result = score(metric, values, values, factor_kinds=["continuous", "discrete"])
    assert result.value > 0.8


@all_metrics
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"compat": "another_lib"}, "another_lib"),
        ({"codes": np.full((600, 2), np.nan)}, "NaN"),
        ({"factors": np.zeros((600, 2), dtype=int)}, "more than one value"),
        ({"factor_names": ["one"]}, "names"),
        ({"factor_kinds": ["round", "discrete"]}, "round"),
    ],
)
def test_what_cannot_be_scored_is_an_error(metric: Any, changes: Any, message: str) -> None:
    arrays = {
        "codes": np.eye(2)[np.arange(600) % 2],
        "factors": np.eye(2, dtype=int).repeat(300, 0),
    }
    with pytest.raises(ValueError, match=message):
        score(metric, **{**arrays, **changes})


@pytest.mark.parametrize("metric", [beta_vae_score, factor_vae_score, dci, dci_es])
def test_a_score_that_tells_factors_apart_needs_two(
    metric: Any, factors: Any, perfect: Any
) -> None:
    with pytest.raises(ValueError, match="two"):
        score(metric, perfect, factors[:, :1])


def test_a_copy_of_a_latent_takes_the_gap_of_its_factor(factors: Any) -> None:
    codes = factors.astype(float)
    single, double = (
        score(sap, c, factors).parts for c in (codes, np.column_stack([codes, codes[:, 2]]))
    )
    assert single["factor 2"] > 0.97
    assert double["factor 2"] == pytest.approx(0, abs=1e-9)
    assert double["factor 3"] == pytest.approx(single["factor 3"], abs=1e-9)


def test_sap_takes_an_ordered_factor_for_monotone_and_a_discrete_one_for_any_order() -> None:
    factors = random_factors(ROWS, (5, 5))
    codes = np.column_stack([factors[:, 0] ** 3, np.array([3, 0, 4, 1, 2])[factors[:, 1]]])
    kinds = sap(codes.astype(float), factors, factor_kinds=["ordinal", "discrete"], repeats=0)
    ordered = sap(codes.astype(float), factors, continuous=True, repeats=0)
    assert min(kinds.parts["factor 0"], kinds.parts["factor 1"]) > 0.97
    assert ordered.parts["factor 1"] < 0.2


@pytest.mark.parametrize("noise", [0, 0.3, 0.7])
def test_few_rows_give_the_factor_vae_score_that_many_give(noise: float) -> None:
    values = []
    for rows in (500, 20_000):
        factors = random_factors(rows)
        codes = (factors - factors.mean(axis=0)) / factors.std(axis=0)
        codes += noise * np.random.default_rng(6).normal(size=codes.shape)
        result = factor_vae_score(with_noise_latents(codes, 5), factors, repeats=0)
        assert result.ceiling > 0.99
        values.append(result.value)
    assert values[0] == pytest.approx(values[1], abs=0.02)


@all_metrics
def test_images_drawn_twice_change_little(metric: Any) -> None:
    factors = random_factors(3_675, (3, 5, 8))
    codes = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    codes += 0.5 * np.random.default_rng(7).normal(size=codes.shape)
    drawn = np.random.default_rng(8).integers(0, len(codes), size=10_000)
    once, often = (score(metric, codes[rows], factors[rows]) for rows in (np.unique(drawn), drawn))
    assert "repeats left out" in often.estimator
    # other rows train and test
    assert often.value == pytest.approx(once.value, abs=0.025)


def test_robustness_finds_the_correlation_of_a_gaussian_latent() -> None:
    # z = r g + sqrt(1 - r^2) e strays sqrt(1 - r^2) as far once g is fixed
    generator = np.random.default_rng(0)
    hidden = generator.normal(size=(20_000, 1))
    codes = 0.8 * hidden + 0.6 * generator.normal(size=hidden.shape)
    result = interventional_robustness(codes, hidden, factor_kinds=["continuous"], repeats=0)
    assert result.value == pytest.approx(1 - 0.6, abs=0.02)


def test_robustness_does_not_ask_that_all_factors_are_known(factors: Any) -> None:
    assert score(
        interventional_robustness, factors[:, :1].astype(float), factors
    ).value == pytest.approx(1)


def test_more_labels_and_a_better_code_raise_the_accuracy(factors: Any, perfect: Any) -> None:
    result = downstream_accuracy(perfect, factors, labels=(50, 500, 9_999), repeats=0)
    accuracy = [result.parts[f"{number} labels"] for number in (50, 500, 2_000)]
    assert accuracy == sorted(accuracy)
    assert result.value == pytest.approx(np.mean(accuracy))


def test_a_number_of_labels_below_1_is_an_error(factors: Any, perfect: Any) -> None:
    with pytest.raises(ValueError, match="labels"):
        downstream_accuracy(perfect, factors, labels=(0, 100))


def test_explicitness_of_dci_es_counts_the_capacity_that_a_probe_needs() -> None:
    factors = random_factors(ROWS, (4, 4))
    circle = np.exp(2j * np.pi * (factors[:, 0] * 4 + factors[:, 1]) / 16)
    curled = np.column_stack([circle.real, circle.imag])  # both factors in one turn of a circle
    straight, wound = (
        dci_es(codes, factors, repeats=0).value for codes in (factors.astype(float), curled)
    )
    assert straight > 0.99
    assert 0.4 < wound < 0.95


def test_the_size_of_dci_es_counts_live_latents(factors: Any, perfect: Any) -> None:
    codes = np.column_stack([perfect, np.zeros((ROWS, 2))])
    assert dci_es(codes, factors, repeats=0).parts["size"] == 5 / 8
    assert dci_es(codes[:, :2], factors, repeats=0).parts["size"] == 1


@pytest.mark.parametrize("backend", ["extra-trees", "random-forest", "lasso"])
def test_each_predictor_of_dci_finds_the_perfect_code_and_no_noise(backend: str) -> None:
    factors = random_factors(1_500, (3, 6, 8))
    codes = with_noise_latents(factors.astype(float), 2)
    found = dci(codes, factors, backend=backend, repeats=0)
    assert min(found.parts[part] for part in ("disentanglement", "completeness")) > 0.97
    assert found.parts["informativeness"] > 0.97
    assert found.relation.argmax(axis=0).tolist() == [0, 1, 2]  # type: ignore[union-attr]
    assert dci(codes[:, 3:], factors, backend=backend, repeats=0).value < 0.05


@pytest.mark.parametrize("backend", ["extra-trees", "lasso"])
def test_dci_does_not_hold_factors_that_no_latent_knows_against_the_latents(
    backend: str, factors: Any
) -> None:
    codes = factors[:, 2:].astype(float)
    found = dci(codes, factors, backend=backend, repeats=0)
    assert found.value > 0.99
    assert found.parts["completeness"] > 0.99
    assert (found.relation[:, :2] == 0).all()  # type: ignore[index]
    assert found.relation[:, 2:].argmax(axis=0).tolist() == [0, 1, 2]  # type: ignore[index]


def test_the_published_dci_counts_factors_that_no_latent_knows() -> None:
    factors = random_factors(300, (2, 2, 3))
    codes = factors[:, 2:].astype(float)
    published = dci(codes, factors, compat="disentanglement_lib", jobs=1)
    assert published.relation.sum(axis=0) == pytest.approx(1)  # type: ignore[union-attr]
    assert published.value < 0.5


def test_dci_of_guesses_that_are_always_the_same_is_zero() -> None:
    factors = random_factors(600, (2, 2))
    factors[:, 0] = np.arange(600) % 10 == 0  # one value nine times as frequent
    codes = np.random.default_rng(0).normal(size=(600, 3))
    found = dci(codes, factors, repeats=0)
    assert found.value == 0
    assert found.parts["factor 0"] > 0.8


def test_the_boosted_trees_of_dci_do_not_depend_on_the_number_of_processes() -> None:
    factors = random_factors(200, (2, 3))
    codes = with_noise_latents(factors.astype(float), 1)
    one, two = (dci(codes, factors, backend="boosted-trees", jobs=jobs) for jobs in (1, 2))
    assert one.value == two.value > 0.97
    assert (one.relation == two.relation).all()  # type: ignore[union-attr]
    assert one.interval is None


def test_lightgbm_finds_the_perfect_code_where_it_is_installed() -> None:
    pytest.importorskip("lightgbm")
    factors = random_factors(600, (2, 3))
    codes = with_noise_latents(factors.astype(float), 1)
    assert dci(codes, factors, backend="lightgbm", jobs=1).value > 0.9


def test_an_unknown_predictor_is_an_error(factors: Any, perfect: Any) -> None:
    with pytest.raises(ValueError, match="extra-trees or random-forest"):
        dci(perfect, factors, backend="svm")
    with pytest.raises(ValueError, match="boosted-trees"):
        dci(perfect, factors, backend="lasso", compat="disentanglement_lib")


@given(
    order=st.permutations(range(4)),
    signs=st.lists(st.sampled_from([-1, 1]), min_size=4, max_size=4),
)
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize(
    "metric",
    [beta_vae_score, factor_vae_score, sap, interventional_robustness],
    ids=lambda metric: metric.__name__,
)
def test_scores_are_equal_under_order_and_sign(metric: Any, order: Any, signs: Any) -> None:
    factors = random_factors(400, (3, 4))
    codes = with_noise_latents(factors + 0.4 * np.random.default_rng(5).normal(size=(400, 2)), 2)
    evaluate = partial(metric, factors=factors, repeats=0)
    changed = codes[:, order] * np.array(signs)
    assert evaluate(changed).value == pytest.approx(evaluate(codes).value, abs=0.004)
