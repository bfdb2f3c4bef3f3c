"""A metric of a test's own in the place of a real one."""

from collections.abc import Callable

import pytest

from distaff.metrics import METRICS
from distaff.metrics.score import Score


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, metric: Callable[..., Score]) -> None:
    """Lets the registry of metrics give out `metric` under a known name until the test ends."""
    assert name in METRICS
    monkeypatch.setitem(METRICS._things, name, metric)
