"""A factor is read as a person means it, or refused."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from distaff.factors import factor_arrays, factor_of

FEW = st.sampled_from(["a", "b", "x10", "x2", "x7", "1_1", "1_10", "a007", "Käse"])


@given(st.lists(FEW, min_size=1, max_size=30))
def test_words_keep_apart_and_can_be_had_back(words: list[str]) -> None:
    factor = factor_of(words)
    assert [factor.names[place] for place in factor.index] == words
    assert len(set(factor.names)) == len(factor.names) == factor.size


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=30))
def test_whole_numbers_keep_their_order_and_apart(numbers: list[int]) -> None:
    factor = factor_of(numbers)
    distinct = sorted(set(numbers))
    assert factor.names == tuple(map(str, distinct))
    assert [distinct[place] for place in factor.index] == numbers


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["1_1", "1_11", "11_1"], ("1_1", "1_11", "11_1")),
        (["007", "7"], ("007", "7")),
        (["123456789012345678", "123456789012345679"], None),
        (["12e3", "12000"], ("12e3", "12000")),
        (["10-20", "2-5", "5-10"], ("2-5", "5-10", "10-20")),
        (["10", "9"], ("9", "10")),
        (["1.5e1", "2.5"], ("2.5", "15")),
        (["True", "False"], ("False", "True")),
        ([True, False], ("False", "True")),
        (np.array([2.0, 1.0], dtype=object), ("1", "2")),
    ],
)
def test_what_is_meant_is_understood(cells: list[str], names: tuple[str, ...] | None) -> None:
    factor = factor_of(cells)
    assert factor.names == (names or tuple(cells))
    assert factor.size == len(cells)


@pytest.mark.parametrize("missing", ["", "NA", "n/a", "NaN", "null", "None", "?", "-"])
def test_a_missing_value_is_no_value(missing: str) -> None:
    with pytest.raises(ValueError, match="row 2 has"):
        factor_of(["1", missing, "3"])


@pytest.mark.parametrize(
    "column",
    [
        [1.0, np.nan],
        [1.0, np.inf],
        np.array([1, None], dtype=object),
        np.array([1, "a"], dtype=object),
        np.ma.masked_array([1, 2], [True, False]),
        np.zeros((2, 2)),
        ["1", "2", "1_0"],
        np.array([1j, 2j]),
        [],
    ],
)
def test_what_is_no_factor_is_refused(column: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        factor_of(column)


def test_tensors_of_any_kind_are_taken() -> None:
    for tensor in (
        torch.tensor([1, 0, 1]),
        torch.tensor([1.0, 0.0, 1.0], requires_grad=True),
        torch.tensor([1.0, 0.0, 1.0]).bfloat16(),
        torch.tensor([True, False, True]),
    ):
        assert factor_of(tensor).index.tolist() == [1, 0, 1]


def test_fractions_are_continuous_where_hardly_any_comes_twice() -> None:
    generator = np.random.default_rng(0)
    assert factor_of(generator.uniform(size=100)).kind == "continuous"
    assert factor_of(generator.integers(0, 3, 100) / 2).kind == "discrete"
    assert factor_of(np.arange(100)).kind == "discrete"
    table, names, kinds = factor_arrays(
        {"x": factor_of(np.arange(9) / 8), "word": factor_of(list("abcabcabc"))},
        {"word": "ordinal"},
    )
    assert (names, kinds) == (["x", "word"], ["continuous", "ordinal"])
    assert table[:, 0].tolist() == (np.arange(9) / 8).tolist()
    assert table[:, 1].tolist() == [0, 1, 2] * 3
