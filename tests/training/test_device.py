from typing import Any

import pytest
import torch

from distaff.training.device import allow_tf32


@pytest.mark.parametrize("rounded", [True, False])
def test_products_are_rounded_only_within_even_if_that_fails(rounded: bool) -> None:
    def settings() -> Any:
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32

    before = settings()

    def fail() -> None:
        with allow_tf32(rounded):
            assert settings() == (rounded, rounded)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert settings() == before
