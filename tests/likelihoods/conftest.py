from typing import Any

import pytest
import torch

LEVELS = torch.arange(256, dtype=torch.float64) / 255


@pytest.fixture
def level_log_probs() -> Any:
    """Returns a function from a likelihood and outputs [pixel, output] to [256, pixel]."""

    def evaluate(likelihood: Any, outputs: torch.Tensor) -> torch.Tensor:
        images = LEVELS.to(outputs.dtype)[:, None, None, None].expand(-1, 1, 1, len(outputs))
        spread = outputs.T[None, :, None].expand(256, -1, -1, -1)
        return likelihood.log_prob_of_levels(images, spread)[:, 0, 0]  # type: ignore[no-any-return]

    return evaluate
