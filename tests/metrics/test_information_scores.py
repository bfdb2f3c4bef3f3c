"""Scores of information on codes whose quality is known, and against plain slow definitions."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from distaff.metrics.dci_mig import dci_mig
from distaff.metrics.gaussian_total_correlation import gaussian_total_correlation
from distaff.metrics.info_mec import info_mec
from distaff.metrics.jemmig import jemmig
from distaff.metrics.mig_sup import mig_sup
from distaff.metrics.modularity import modularity
from distaff.metrics.mutual_information_gap import mutual_information_gap
from distaff.metrics.pairwise_mutual_information import pairwise_mutual_information
from distaff.metrics.wasserstein_correlation import wasserstein_correlation

SIZES = (3, 6, 40, 32, 32)
"""Of dSprites."""
OF_FACTORS = (mutual_information_gap, mig_sup, jemmig, dci_mig, modularity, info_mec)
OF_LATENTS = (
    pairwise_mutual_information,
    gaussian_total_correlation,
    wasserstein_correlation,
)
PUBLISHED = (mutual_information_gap, modularity, *OF_LATENTS)
ROWS = 10_000


def name(function: Any) -> Any:
    return function.__name__


def value(metric: Any, codes: Any, factors: Any, **settings: Any) -> Any:
    return metric(codes, factors, **{"repeats": 0, **settings}).value


@pytest.fixture(scope="module")
def factors() -> Any:
    return np.random.default_rng(0).integers(0, SIZES, size=(ROWS, 5))


@pytest.fixture(scope="module")
def perfect(factors: Any) -> Any:
    return factors.astype(float)


@pytest.fixture(scope="module")
def noisy(factors: Any) -> Any:
    """Each latent is a factor, on the scale of one value, with noise."""
    return factors + 0.5 * np.random.default_rng(1).normal(size=factors.shape)


def turned(codes: Any, first: Any, second: Any) -> Any:
    turn = np.eye(codes.shape[1])
    turn[np.ix_([first, second], [first, second])] = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
    return codes @ turn


@pytest.mark.parametrize("metric", [*OF_FACTORS, *OF_LATENTS], ids=name)
def test_a_perfect_code_scores_near_1_and_its_ceiling(
    metric: Any, factors: Any, perfect: Any
) -> None:
    score = metric(perfect, factors, repeats=0)
    assert 0.97 <= score.value <= 1.001
    assert score.ceiling == pytest.approx(score.value, abs=1e-9)


@pytest.mark.parametrize("metric", OF_FACTORS, ids=name)
def test_noise_scores_near_chance_and_near_0(metric: Any, factors: Any) -> None:
    noise = np.random.default_rng(2).normal(size=(ROWS, 10))
    score = metric(noise, factors, repeats=0)
    assert abs(score.value) < 0.02
    assert abs(score.chance) < 0.02


@pytest.mark.parametrize("metric", OF_LATENTS, ids=name)
def test_a_score_of_latents_alone_cannot_tell_noise_from_a_perfect_code(
    metric: Any, factors: Any
) -> None:
    score = metric(np.random.default_rng(2).normal(size=(ROWS, 10)), factors, repeats=0)
    assert score.value == pytest.approx(1, abs=0.01)
    assert score.chance == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("metric", [*OF_FACTORS, *OF_LATENTS], ids=name)
@pytest.mark.parametrize(
    "change",
    [
        lambda z: z[:, ::-1],
        lambda z: -z,
        lambda z: z * np.array([0.01, -0.1, 1, -10, 100]),
        lambda z: z + 1000,
    ],
    ids=["permuted", "flipped", "rescaled", "shifted"],
)
def test_the_form_of_a_latent_changes_nothing(
    metric: Any, change: Any, factors: Any, perfect: Any
) -> None:
    # the logistic regression of InfoMEC stops early, so its path may differ a little
    tolerance = 1e-3 if metric is info_mec else 1e-6
    before = value(metric, perfect, factors)
    assert value(metric, change(perfect), factors) == pytest.approx(before, abs=tolerance)


@pytest.mark.parametrize("metric", [*OF_FACTORS, *OF_LATENTS], ids=name)
@pytest.mark.parametrize("code", ["perfect", "noisy"])
def test_an_outlier_and_a_dead_latent_change_nothing(
    metric: Any, code: str, factors: Any, request: pytest.FixtureRequest
) -> None:
    codes = request.getfixturevalue(code)
    before = value(metric, codes, factors)
    outlier = np.r_[[[1e6] * 5], codes[1:]]
    assert value(metric, outlier, factors) == pytest.approx(before, abs=0.01)
    score = metric(np.c_[codes, np.full(ROWS, 0.1)], factors, repeats=0)
    assert score.value == pytest.approx(before, abs=0.01)
    assert score.parts["dead latents"] == 1


@pytest.mark.parametrize("metric", OF_FACTORS, ids=name)
def test_latents_of_noise_beside_good_ones_change_little(
    metric: Any, factors: Any, noisy: Any
) -> None:
    more = np.c_[noisy, np.random.default_rng(3).normal(size=(ROWS, 5))]
    assert value(metric, more, factors) == pytest.approx(value(metric, noisy, factors), abs=0.01)


@pytest.mark.parametrize(
    ("metric", "most"),
    [
        (mutual_information_gap, 0.75),
        (mig_sup, 0.75),
        (jemmig, 0.8),
        (dci_mig, 0.6),
        (modularity, 0.92),
        (info_mec, 0.9),
        (pairwise_mutual_information, 0.995),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_mixing_two_factors_in_two_latents_scores_less(
    metric: Any, most: float, factors: Any, perfect: Any
) -> None:
    assert value(metric, turned(perfect, 3, 4), factors) < most


def test_more_noise_scores_less(factors: Any) -> None:
    noise = np.random.default_rng(4).normal(size=factors.shape)
    for metric in OF_FACTORS:
        if metric is not modularity:
            clear, dim = (value(metric, factors + s * noise, factors) for s in (0.3, 3))
            assert dim < clear - 0.1


def test_a_second_copy_of_a_latent_counts_where_it_should(factors: Any, perfect: Any) -> None:
    twice = np.c_[perfect, perfect[:, :2]]
    gap = mutual_information_gap(twice, factors, repeats=0)
    assert gap.parts["factor 0"] == gap.parts["factor 1"] == 0
    assert gap.value == pytest.approx(3 / 5, abs=0.01)
    for metric in (mig_sup, dci_mig, modularity):
        assert value(metric, twice, factors) > 0.97
    parts = info_mec(twice, factors, repeats=0).parts
    assert parts["InfoM"] > 0.97
    # of 7 latents, two factors have shares of one half
    expected = (3 / 5 + 2 / 5 * 1 / 2 - 1 / 7) / (1 - 1 / 7)
    assert parts["InfoC"] == pytest.approx(expected, abs=0.02)
    assert value(gaussian_total_correlation, twice, factors) < 1e-3


def every_combination(*sizes: Any) -> Any:
    """Rows in which factors of these sizes meet each other equally often."""
    return np.array(list(np.ndindex(*sizes)) * (10_000 // math.prod(sizes)))


def test_a_latent_of_two_factors_has_the_scores_of_the_formulas() -> None:
    """z tells all of two even factors of 4 values each, and is the only latent."""
    factors = every_combination(4, 4)
    codes = (4 * factors[:, :1] + factors[:, 1:]).astype(float)
    assert value(mutual_information_gap, codes, factors) == pytest.approx(1, abs=0.001)
    assert value(mig_sup, codes, factors) == pytest.approx(0, abs=0.001)
    assert value(dci_mig, codes, factors) == pytest.approx(0, abs=0.001)
    assert value(modularity, codes, factors) == pytest.approx(0, abs=0.001)
    parts = info_mec(codes, factors, repeats=0).parts
    assert parts["InfoM"] == pytest.approx(0, abs=0.001)
    assert parts["InfoC"] == 1
    # H(z) + H(v) - 2 I(z; v) = log 16 + log 4 - 2 log 4
    expected = 1 - np.log(4) / (np.log(4) + np.log(100))
    assert value(jemmig, codes, factors) == pytest.approx(expected, abs=0.002)


def test_half_of_the_factors_known_is_half_of_dci_mig() -> None:
    factors = every_combination(5, 5)
    codes = np.c_[factors[:, 0], factors[:, 0]].astype(float)
    score = dci_mig(codes, factors, repeats=0)
    assert score.value == pytest.approx(0.5, abs=0.002)
    assert score.parts["factor 0"] == pytest.approx(1, abs=0.002)
    assert score.parts["factor 1"] == 0
    assert value(modularity, codes, factors) == pytest.approx(1, abs=0.002)


def test_modularity_is_that_of_the_formula_for_shares_of_information() -> None:
    """z tells log 4 of one factor and log 2 of each of two others."""
    factors = every_combination(4, 4, 4)
    low = factors[:, 1] // 2 * 2 + factors[:, 2] // 2
    codes = (4 * factors[:, :1] + low[:, None]).astype(float)
    expected = 1 - 2 * np.log(2) ** 2 / (2 * np.log(4) ** 2)
    assert value(modularity, codes, factors) == pytest.approx(expected, abs=0.002)


def test_a_linear_probe_reads_what_is_linear(factors: Any, perfect: Any) -> None:
    explicitness = info_mec(turned(perfect, 3, 4), factors, repeats=0).parts["InfoE"]
    assert explicitness > 0.9
    # each even factor loses log 2 nats, shape 2/3 of them
    folded = np.abs(2 * perfect - np.array(SIZES) + 1)
    lost = np.log(2) * np.array([2 / 3, 1, 1, 1, 1]) / np.log(SIZES)
    explicitness = info_mec(folded, factors, repeats=0).parts["InfoE"]
    assert explicitness == pytest.approx(1 - lost.mean(), abs=0.02)


def test_a_dead_code_knows_nothing(factors: Any) -> None:
    dead = np.zeros((ROWS, 3))
    for metric in OF_FACTORS:
        score = metric(dead, factors, repeats=2)
        # a logistic regression is not exact
        assert score.value == pytest.approx(0, abs=1e-6)
        assert score.interval == pytest.approx((0, 0), abs=1e-6)
        assert score.parts["dead latents"] == 3
    for metric in OF_LATENTS:  # type: ignore[assignment]
        assert value(metric, dead, factors) == 1
        assert value(metric, np.random.default_rng(0).normal(size=(200, 1)), None) == 1


@pytest.mark.parametrize("metric", OF_FACTORS, ids=name)
def test_continuous_factors_are_scored_as_such(metric: Any) -> None:
    values = np.random.default_rng(0).normal(size=(4000, 3))
    kinds = ["continuous"] * 3
    # the probe of InfoMEC tells 63 cells apart
    least = 0.93 if metric is info_mec else 0.97
    assert value(metric, values, values, factor_kinds=kinds) > least
    noise = np.random.default_rng(1).normal(size=(4000, 3))
    assert abs(value(metric, noise, values, factor_kinds=kinds)) < 0.02


def test_parts_have_names_and_a_factor_of_one_value_is_left_out(factors: Any, noisy: Any) -> None:
    with_color = np.c_[np.zeros(ROWS, dtype=int), factors[:, :2]]
    names = ["color", "shape", "scale"]
    for metric in (mutual_information_gap, jemmig, dci_mig):
        score = metric(noisy, with_color, factor_names=names, repeats=0)
        assert list(score.parts) == ["shape", "scale", "dead latents"]
        assert score.relation.shape == (5, 3)  # type: ignore[union-attr]
        assert score.relation[:, 0].tolist() == [0] * 5  # type: ignore[index]
    for metric in (mig_sup, modularity):
        parts = metric(noisy, factors[:, :2], repeats=0).parts
        assert list(parts) == ["latent 0", "latent 1", "uninformative latents", "dead latents"]
        assert parts["uninformative latents"] == 3


@pytest.mark.parametrize("metric", [*OF_FACTORS, *OF_LATENTS], ids=name)
def test_the_interval_lies_around_the_value_and_the_seed_decides_it(metric: Any) -> None:
    factors = np.random.default_rng(0).integers(0, (3, 5), size=(400, 2))
    codes = turned(factors + np.random.default_rng(1).normal(size=(400, 2)), 0, 1)
    score = metric(codes, factors, repeats=10, seed=1)
    assert score.interval[0] < score.value < score.interval[1]
    assert score.interval[1] - score.interval[0] < 0.6
    assert metric(codes, factors, repeats=10, seed=1).interval == score.interval
    assert metric(codes, factors, repeats=10, seed=2).interval != score.interval
    assert metric(codes, factors, repeats=0).interval is None


def test_what_is_remembered_is_told_apart_by_its_contents(factors: Any, noisy: Any) -> None:
    first = value(mutual_information_gap, noisy, factors)
    changed = noisy.copy()
    changed[:, 2] = 0
    assert value(mutual_information_gap, changed, factors) < first - 0.1
    assert value(mutual_information_gap, noisy, factors) == first


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), sign=st.sampled_from([-1, 1]), scale=st.floats(0.01, 100))
def test_order_sign_and_scale_of_latents_change_no_score(seed: int, sign: Any, scale: Any) -> None:
    generator = np.random.default_rng(seed)
    factors = generator.integers(0, (3, 5), size=(200, 2))
    codes = np.c_[factors, generator.normal(size=(200, 2))] @ generator.normal(size=(4, 4))
    changed = codes[:, generator.permutation(4)] * np.array([sign * scale, -1, 1, 3])
    for metric in (*OF_FACTORS[:-1], *OF_LATENTS):
        before = value(metric, codes, factors)
        assert value(metric, changed, factors) == pytest.approx(before, abs=1e-6)
        assert -0.01 <= before <= 1.01


# -- the definitions of disentanglement_lib, written out


def slow_cells(codes: Any) -> Any:
    result = np.zeros(codes.shape, dtype=int)
    for row, latent in np.ndindex(*codes.shape):
        column = codes[:, latent]
        low, high = column.min(), column.max()
        if low == high:
            low, high = low - 0.5, high + 0.5
        for edge in np.linspace(low, high, 21)[:-1]:
            result[row, latent] += codes[row, latent] >= edge
    return result


def slow_information(codes: Any, factors: Any) -> Any:
    cut = slow_cells(codes)
    return np.array([[mutual_info_score(f, c) for f in factors.T] for c in cut.T])


def slow_gap(codes: Any, factors: Any) -> Any:
    information = slow_information(codes, factors)
    gaps = []
    for column, factor in zip(information.T, factors.T, strict=True):
        second, first = sorted(column)[-2:]
        gaps.append((first - second) / mutual_info_score(factor, factor))
    return np.mean(gaps)


def slow_modularity(codes: Any, factors: Any) -> Any:
    scores = []
    for row in slow_information(codes, factors):
        best = max(row)
        template = sum(entry**2 for entry in row) - best**2
        scores.append(1 - template / (best**2 * (len(row) - 1)) if best > 0 else 0)
    return np.mean(scores)


@pytest.fixture(scope="module", params=["plain", "dead latent", "outlier", "noise"])
def published(request: pytest.FixtureRequest) -> Any:
    generator = np.random.default_rng(5)
    factors = generator.integers(0, (3, 6, 25), size=(600, 3))
    codes = factors @ generator.normal(size=(3, 4)) + generator.normal(size=(600, 4))
    if request.param == "dead latent":
        codes[:, 1] = 0
    if request.param == "outlier":
        codes[7] = 1000
    if request.param == "noise":
        codes = generator.normal(size=(600, 4))
    return codes, factors


def compat(metric: Any, codes: Any, factors: Any, **settings: Any) -> Any:
    return metric(codes, factors, compat="disentanglement_lib", repeats=0, **settings)


def test_published_gap_and_modularity_are_those_of_the_definitions(published: Any) -> None:
    codes, factors = published
    # two thirds of the rows
    rows = slice(400)
    assert compat(mutual_information_gap, codes, factors).value == pytest.approx(
        slow_gap(codes[rows], factors[rows]), abs=1e-12
    )
    assert compat(modularity, codes, factors).value == pytest.approx(
        slow_modularity(codes[rows], factors[rows]), abs=1e-12
    )
    assert compat(mutual_information_gap, codes, factors, num_train=600).value == pytest.approx(
        slow_gap(codes, factors), abs=1e-12
    )


def test_published_scores_of_latents_are_those_of_the_definitions(published: Any) -> None:
    codes, factors = published
    information = slow_information(codes, slow_cells(codes))
    pairs = [information[i, j] for i in range(4) for j in range(4) if i != j]
    parts = compat(pairwise_mutual_information, codes, factors, num_train=600).parts
    assert parts["mean mutual information"] == pytest.approx(sum(pairs) / 12, abs=1e-12)

    covariance = np.cov(codes, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(covariance @ np.diag(np.diag(covariance))))
    distance = 2 * np.trace(covariance) - 2 * roots.sum()
    parts = compat(wasserstein_correlation, codes, factors, num_train=600).parts
    assert parts["Wasserstein correlation"] == pytest.approx(distance, rel=1e-6)
    assert parts["normalised Wasserstein correlation"] == pytest.approx(
        distance / np.trace(covariance), rel=1e-6
    )

    score = compat(gaussian_total_correlation, codes, factors, num_train=600)
    if (codes[:, 1] == 0).all():
        assert np.isnan(score.value)
    else:
        truth = 0.5 * np.log(np.prod(np.diag(covariance)) / np.linalg.det(covariance))
        assert score.parts["total correlation"] == pytest.approx(truth)
        assert score.value == pytest.approx(np.exp(-2 * truth / 3))


def test_twenty_cells_cannot_hold_a_perfect_code(factors: Any, perfect: Any) -> None:
    score = compat(mutual_information_gap, perfect, factors, num_train=ROWS)
    assert score.value == pytest.approx(0.896, abs=0.003)
    assert score.ceiling == pytest.approx(score.value, abs=1e-9)
    outlier = np.r_[[[1e6] * 5], perfect[1:]]
    assert compat(mutual_information_gap, outlier, factors, num_train=ROWS).value < 0.01


def test_published_modularity_is_high_for_noise(factors: Any) -> None:
    noise = np.random.default_rng(2).normal(size=(ROWS, 10))
    assert compat(modularity, noise, factors, num_train=ROWS).value > 0.5


def test_gaussian_scores_have_the_closed_forms() -> None:
    covariance = np.array([[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]])
    codes = np.random.default_rng(0).multivariate_normal(np.zeros(3), covariance, size=20_000)
    score = gaussian_total_correlation(codes, repeats=0)
    total_correlation = -0.5 * np.log(1 - 0.8**2)
    assert score.parts["total correlation"] == pytest.approx(total_correlation, abs=0.02)
    assert score.value == pytest.approx(np.sqrt(1 - 0.8**2), abs=0.01)
    # eigenvalues 1.8, 0.2 and 1
    share = 2 - 2 * (np.sqrt(1.8) + np.sqrt(0.2) + 1) / 3
    score = wasserstein_correlation(codes, repeats=0)
    assert score.parts["normalised Wasserstein correlation"] == pytest.approx(share, abs=0.01)
    assert score.value == pytest.approx(1 - share / (2 - 2 / np.sqrt(3)), abs=0.01)
    score = pairwise_mutual_information(codes, repeats=0)
    assert score.parts["mean mutual information"] == pytest.approx(total_correlation / 3, abs=0.01)


@pytest.mark.parametrize("metric", OF_LATENTS, ids=name)
def test_equal_latents_score_near_0(metric: Any) -> None:
    latent = np.random.default_rng(0).normal(size=(2000, 1))
    assert value(metric, np.c_[latent, latent, -latent], None) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("metric", OF_LATENTS, ids=name)
def test_dependence_without_correlation_is_seen_by_information_only(metric: Any) -> None:
    latent = np.random.default_rng(0).normal(size=(5000, 1))
    seen = value(metric, np.c_[latent, latent**2], None) < 0.9
    assert seen == (metric is pairwise_mutual_information)


@pytest.mark.parametrize("metric", [*OF_FACTORS, *OF_LATENTS], ids=name)
def test_compat_is_refused_where_it_is_not_offered(metric: Any, factors: Any, noisy: Any) -> None:
    with pytest.raises(ValueError, match="give None"):
        metric(noisy, factors, compat="ubisoft")
    if metric not in PUBLISHED:
        with pytest.raises(ValueError, match="not offered for this score"):
            metric(noisy, factors, compat="disentanglement_lib")
    else:
        with pytest.raises(ValueError, match="there are 10000 rows"):
            compat(metric, noisy, factors, num_train=10_001)
        with pytest.raises(ValueError, match="give it with compat"):
            metric(noisy, factors, num_train=100)


@pytest.mark.parametrize("metric", OF_FACTORS, ids=name)
def test_arrays_that_make_no_score_are_refused(metric: Any) -> None:
    codes = np.random.default_rng(0).normal(size=(200, 2))
    with pytest.raises(ValueError, match="nothing to tell apart"):
        metric(codes, np.zeros((200, 1), int))
    with pytest.raises(ValueError, match="whole numbers"):
        metric(codes, codes)
    with pytest.raises(ValueError, match="declare it continuous"):
        metric(codes, np.arange(200)[:, None])
    with pytest.raises(ValueError, match="each of the 2 factors"):
        metric(codes, codes, factor_kinds=["continuous"])


@pytest.mark.parametrize("metric", [modularity, info_mec], ids=name)
def test_a_score_that_compares_factors_needs_two(metric: Any, noisy: Any, factors: Any) -> None:
    with pytest.raises(ValueError, match="shape alone has more than one value"):
        metric(noisy, factors[:, :1], factor_names=["shape"])


@pytest.mark.parametrize("metric", OF_LATENTS, ids=name)
def test_latents_that_make_no_score_are_refused(metric: Any) -> None:
    codes = np.random.default_rng(0).normal(size=(200, 2))
    with pytest.raises(ValueError, match="NaN"):
        metric(codes * np.nan)
    with pytest.raises(ValueError, match="at least 100 rows"):
        metric(codes[:50])
