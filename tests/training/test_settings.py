import math
from typing import Any

import pytest

from distaff.training import Training, number_of_steps


def test_epochs_decide_the_steps() -> None:
    assert number_of_steps(Training(epochs=3, batch_size=10), 105) == 30
    assert number_of_steps(Training(steps=7), 105) == 7


@pytest.mark.parametrize(
    "settings",
    [{"steps": -5}, {"epochs": 0}, {"batch_size": 0}, {"learning_rate": math.nan}, {"patience": 0}],
)
def test_settings_without_sense_are_refused(settings: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        Training(**settings)
