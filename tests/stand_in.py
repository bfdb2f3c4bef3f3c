"""Something of a test's own in the place of the real one: a metric, parameters."""

import hashlib
from collections.abc import Callable

import pytest

from distaff.metrics import METRICS
from distaff.metrics.score import Score
from distaff.models import Model
from distaff.runs import Run
from distaff.runs.parameters import packed, write_parameters


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, metric: Callable[..., Score]) -> None:
    """Lets the registry of metrics give out `metric` under a known name until the test ends."""
    assert name in METRICS
    monkeypatch.setitem(METRICS._things, name, metric)


def give_parameters(run: Run, model: Model) -> None:
    """Puts parameters in the place of a run's, as another training would have."""
    content = packed(model.state_dict())
    environment = run.read("environment.json")
    environment["model"] = hashlib.sha256(content).hexdigest()[:8]
    run.write("environment.json", environment)
    write_parameters(run.model_file, content)
