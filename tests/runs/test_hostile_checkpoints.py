"""A checkpoint whose checksum is right and whose content is not is refused as a whole."""

import io
import os
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from distaff.errors import Interrupted, RunError
from distaff.experiment import Experiment
from distaff.runs import Run, checkpoints, find_runs
from distaff.runs.checkpoints import NEWEST
from distaff.train import train


class StopAt7:
    """Interrupts a training after its seventh step, as Ctrl-C does."""

    def start(self, run: Any, trainer: Any) -> None:
        pass

    def advance(self, trainer: Any, records: Any) -> None:  # noqa: ARG002
        if trainer.current_step == 7:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def run(small_experiment: Experiment, tmp_path: Path) -> Run:
    """A run that was interrupted."""
    with pytest.raises(Interrupted):
        train(small_experiment, tmp_path, progress=StopAt7())
    return find_runs(tmp_path)[0]


def rewrite(run: Run, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the state of a checkpoint and gives it the right checksum."""
    state = checkpoints.load(run.folder, torch.device("cpu")).state
    change(state)
    packed = io.BytesIO()
    torch.save(state, packed)
    content = packed.getvalue()
    (run.folder / NEWEST).write_bytes(checkpoints._first_line(content) + content)


def adam(state: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return dict(state["fit"]["optimizers"]["vae"]["state"])


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no run": lambda s: s.pop("run"),
    "no fit": lambda s: s.pop("fit"),
    "more": lambda s: s.update(extra=1),
    "log": lambda s: s.update(log="1"),
    "log negative": lambda s: s.update(log=-1),
    "seconds": lambda s: s.update(seconds=float("nan")),
    "step": lambda s: s["fit"].update(step=10**9),
    "step word": lambda s: s["fit"].update(step="7"),
    "step tensor": lambda s: s["fit"].update(step=torch.tensor(7)),
    "model list": lambda s: s["fit"].update(model=[1, 2]),
    "model lacks": lambda s: s["fit"]["model"].popitem(),
    "model shape": lambda s: s["fit"]["model"].update({"encoder.0.bias": torch.zeros(9)}),
    "model type": lambda s: s["fit"]["model"].update({"encoder.0.bias": torch.zeros(4).double()}),
    "model nan": lambda s: s["fit"]["model"]["encoder.0.bias"].fill_(float("nan")),
    "adam short": lambda s: adam(s)[0].update(exp_avg=torch.zeros(1)),
    "adam type": lambda s: adam(s)[0].update(exp_avg=torch.zeros(4, 1, 4, 4).half()),
    "adam step": lambda s: adam(s)[0].update(step=torch.zeros(3)),
    "adam lacks": lambda s: adam(s)[0].pop("exp_avg_sq"),
    "adam sparse": lambda s: adam(s)[0].update(exp_avg=torch.zeros(4, 1, 4, 4).to_sparse()),
    "groups": lambda s: s["fit"]["optimizers"]["vae"].update(param_groups=[]),
    "group rate": lambda s: s["fit"]["optimizers"]["vae"]["param_groups"][0].update(lr="fast"),
    "players": lambda s: s["fit"]["optimizers"].update(other={}),
    "generator": lambda s: s["fit"].update(noise_generator=torch.zeros(3, dtype=torch.uint8)),
    "generator type": lambda s: s["fit"].update(noise_generator="seed"),
    "counts": lambda s: s["fit"].update(counts={"taken": 1}),
    "counts word": lambda s: s["fit"]["counts"].update(taken="x"),
    "best": lambda s: s["fit"].update(best={}),
    "best word": lambda s: s["fit"]["best"].update(objective="low"),
    "best parameters": lambda s: s["fit"].update(best_parameters={"x": torch.zeros(1)}),
    "sums": lambda s: s["fit"].update(sums={"kl": "a"}),
    "records": lambda s: s["fit"].update(records=[3]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_forged_state_is_refused_in_one_sentence(
    run: Run, small_experiment: Experiment, change: Callable[[dict[str, Any]], None]
) -> None:
    rewrite(run, change)
    with pytest.raises(
        RunError, match=r"is not a checkpoint of this run|bytes that it had"
    ) as said:
        train(small_experiment, run.folder.parents[2], resume=True)
    assert "\n" not in str(said.value)
    assert not run.finished


def test_a_packed_archive_is_not_unpacked(run: Run, small_experiment: Experiment) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(2**28))
    content = packed.getvalue()
    (run.folder / NEWEST).write_bytes(checkpoints._first_line(content) + content)
    with pytest.raises(RunError, match="it is a packed archive"):
        train(small_experiment, run.folder.parents[2], resume=True)


def test_a_file_larger_than_any_checkpoint_of_the_run_is_not_read(
    run: Run, small_experiment: Experiment
) -> None:
    with (run.folder / NEWEST).open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(RunError, match="is damaged; remove"):
        train(small_experiment, run.folder.parents[2], resume=True)
