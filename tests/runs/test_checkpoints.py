import errno
import hashlib
import io
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distaff.errors import RunError
from distaff.runs.checkpoints import BEFORE, NEWEST, discard, load, present, save

CPU = torch.device("cpu")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def state(step: int) -> dict[str, Any]:
    return {"step": step, "model": {"weight": torch.full((3,), float(step))}, "best": math.inf}


@pytest.fixture
def two(tmp_path: Path) -> Any:
    """A folder with the checkpoints of steps 1 and 2; the one of step 0 is gone."""
    for step in range(3):
        save(tmp_path, state(step))
    return tmp_path


def test_the_last_two_are_kept_and_the_newest_is_loaded(two: Any) -> None:
    assert names(two) == [BEFORE, NEWEST]
    found = load(two, CPU)
    assert (found.state["step"], found.file, found.damaged) == (2, two / NEWEST, [])
    assert torch.equal(found.state["model"]["weight"], torch.full((3,), 2.0))
    assert found.state["best"] == math.inf
    discard(two)
    assert present(two) == []


def test_the_one_before_is_taken_where_a_kill_fell_between_two_renames(two: Any) -> None:
    (two / NEWEST).unlink()
    found = load(two, CPU)
    assert (found.state["step"], found.damaged) == (1, [])


def test_every_change_of_the_newest_is_noticed_and_the_one_before_is_taken(two: Any) -> None:
    whole = (two / NEWEST).read_bytes()
    random = np.random.default_rng(0)
    for _ in range(300):
        content = bytearray(whole)
        content[random.integers(len(whole))] ^= 1 << int(random.integers(8))
        (two / NEWEST).write_bytes(content)
        found = load(two, CPU)
        assert (found.state["step"], found.damaged) == (1, [two / NEWEST])
    for size in (0, 1, 50, len(whole) // 2, len(whole) - 1):
        (two / NEWEST).write_bytes(whole[:size])
        assert load(two, CPU).state["step"] == 1


def test_two_damaged_ones_are_refused(two: Any) -> None:
    (two / NEWEST).write_bytes(b"")
    (two / BEFORE).write_bytes(b"PK\x03\x04 what earlier versions wrote")
    with pytest.raises(RunError, match=rf"{NEWEST} and .*{BEFORE} are damaged; remove {two}"):
        load(two, CPU)


def test_a_full_disk_leaves_what_was_saved(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        save(two, state(3))
    assert load(two, CPU).state["step"] == 2
    assert names(two) == [BEFORE, NEWEST]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_not_saved(two: Any, value: Any) -> None:
    bad = state(3)
    bad["optimizers"] = {"vae": {"state": {0: {"exp_avg_sq": torch.tensor([0.0, value])}}}}
    with pytest.raises(RunError, match="no longer finite numbers"):
        save(two, bad)
    assert load(two, CPU).state["step"] == 2


class _Harmful:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("harmed",))


def _archive(value: object) -> bytes:
    torch.save(value, file := io.BytesIO())
    return file.getvalue()


@pytest.mark.parametrize(
    "content", [_archive(_Harmful()), b"", b"no archive", b"PK\x03\x04"], ids=range(4)
)
def test_nothing_in_a_forged_checkpoint_is_run(
    two: Any, content: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(two)
    line = b"distaff checkpoint 1 " + hashlib.sha256(content).hexdigest().encode() + b"\n"
    (two / NEWEST).write_bytes(line + content)
    with pytest.raises(RunError, match=rf"{NEWEST} is not a checkpoint of this run \("):
        load(two, CPU)
    assert not (two / "harmed").exists()
