"""What scores remember for each other."""

from typing import Any

import numpy as np
import pytest

from distaff.metrics.prediction import memory
from distaff.metrics.prediction.memory import remembered


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_kept", {})


def test_the_same_question_is_answered_once() -> None:
    asked = []

    def compute() -> Any:
        asked.append(1)
        return np.ones(3)

    question = np.arange(4.0)
    answers = [remembered("double", (question.copy(),), compute) for _ in range(3)]
    assert len(asked) == 1
    assert all(answer is answers[0] for answer in answers)
    with pytest.raises(ValueError, match="read-only"):
        answers[0][0] = 2


@pytest.mark.parametrize(
    ("purpose", "array"),
    [
        ("triple", np.arange(4.0)),
        ("double", np.arange(4.0)[:, None]),
        ("double", np.arange(4.0).view(np.int64)),
        ("double", np.arange(5.0)),
    ],
)
def test_another_purpose_shape_type_or_value_is_another_question(purpose: str, array: Any) -> None:
    first = remembered("double", (np.arange(4.0),), lambda: np.zeros(1))
    assert remembered(purpose, (array,), lambda: np.ones(1)) is not first


def test_the_longest_unused_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_BYTES", 20)
    ask = [lambda i=i: remembered(f"{i}", (), lambda: np.full(1, float(i))) for i in range(3)]
    first, second = ask[0](), ask[1]()
    assert ask[0]() is first
    ask[2]()
    assert ask[0]() is first
    assert ask[1]() is not second


def test_the_last_is_kept_whatever_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_BYTES", 20)
    large = remembered("large", (), lambda: np.ones(100))
    assert remembered("large", (), lambda: np.zeros(100)) is large
    remembered("small", (), lambda: np.ones(1))
    assert len(memory._kept) == 1
