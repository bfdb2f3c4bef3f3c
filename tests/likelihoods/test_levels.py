from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from distaff.likelihoods.levels import gauss_legendre, level_of, log_sinhc


@given(value=st.floats(1e-3, 30))
def test_log_sinhc_is_even_and_equals_its_formula(value: Any) -> None:
    both = log_sinhc(torch.tensor([value, -value], dtype=torch.float64))
    # below 0.01 the plain formula itself is a ratio that keeps thirteen digits
    assert both.tolist() == pytest.approx([np.log(np.sinh(value) / value)] * 2, rel=1e-8, abs=1e-14)


def test_log_sinhc_is_smooth_where_the_series_ends() -> None:
    value = torch.tensor([0.3 - 1e-9, 0.3 + 1e-9], dtype=torch.float64, requires_grad=True)
    below, above = log_sinhc(value)
    assert below.item() == pytest.approx(above.item(), abs=1e-9)
    (gradient,) = torch.autograd.grad(below + above, value)
    assert gradient[0].item() == pytest.approx(gradient[1].item(), abs=1e-8)
    assert gradient[0].item() == pytest.approx(1 / np.tanh(0.3) - 1 / 0.3, abs=1e-8)


def test_log_sinhc_of_large_and_zero_values() -> None:
    values = torch.tensor([0.0, 1e4, -1e4], dtype=torch.float64)
    assert log_sinhc(values).tolist() == pytest.approx([0, *[1e4 - np.log(2e4)] * 2])


def test_stored_bytes_find_their_level_in_single_precision() -> None:
    stored = torch.arange(256, dtype=torch.uint8)
    images = (stored.float() / 255).reshape(256, 1, 1, 1)
    assert torch.equal(level_of(images).flatten(), stored.float())


def test_quadrature_averages_polynomials() -> None:
    nodes, log_weights = gauss_legendre(5, torch.zeros(1, dtype=torch.float64))
    for power in range(10):
        average = (nodes**power * log_weights.exp()).sum().item()
        assert average == pytest.approx((1 - power % 2) / (power + 1))
