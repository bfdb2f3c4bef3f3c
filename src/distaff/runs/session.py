"""A training in progress and the files it writes."""

import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from distaff.errors import RunError, RunWarning
from distaff.files import LARGEST
from distaff.runs import checkpoints, manifest, training_log
from distaff.runs.environment import environment_of
from distaff.runs.parameters import packed, write_parameters
from distaff.runs.run import Run
from distaff.runs.training_log import TrainingLog
from distaff.training.nonfinite import NonFiniteLossError, write_nonfinite_batch
from distaff.training.state import check_count, check_entries, check_number
from distaff.training.trainer import Record, Trainer

ROOM_FOR_THE_REST = 2**24
"""Bytes of a checkpoint beside its tensors."""


def resume(run: Run, trainer: Trainer) -> float:
    """Restores an interrupted training, or clears the files of an earlier attempt.

    Returns:
        The seconds that it has been trained.

    Raises:
        RunError: no checkpoint is whole, or it is of another run.

    Warns:
        RunWarning: the newest checkpoint is damaged, and the one before it is taken.
    """
    if not run.interrupted:
        for path in (run.log_file, run.nonfinite_batch_file):
            path.unlink(missing_ok=True)
        return 0.0
    state, file, damaged = checkpoints.load(run.folder, trainer.device, _most_bytes(trainer))
    with checkpoints.restore_errors_as_run_errors(file):
        check_entries(state, ("run", "log", "seconds", "fit"), "the checkpoint")
        if state["run"] != _identity(run):
            raise ValueError(f"it is of {state['run']!r:.80}")
        check_count(state["log"], "log", LARGEST)
        check_number(state["seconds"], "seconds")
        if not checkpoints.is_finite(state["fit"]):
            raise ValueError("some numbers are not finite")
        trainer.load_state_dict(state["fit"])
        training_log.truncate(run.folder, state["log"])
        seconds = float(state["seconds"])
    for path in damaged:
        warnings.warn(
            f"{path} is damaged; going on from {file.name}, at step {trainer.current_step}.",
            RunWarning,
            stacklevel=2,
        )
    return seconds


@dataclass
class Session:
    """A training in progress."""

    run: Run
    trainer: Trainer
    log: TrainingLog
    begin: float
    """Start time, less interruptions."""

    def step(self) -> list[Record]:
        """Takes one step and logs it; returns the lines of the log.

        Raises:
            NonFiniteLossError: as in `Trainer.step`; the last good state and the batch are saved.
            RunError: the disk is full, or the folder was removed.
        """
        try:
            records = self.trainer.step()
        except NonFiniteLossError as error:
            raise self._with_what_is_kept(error) from None
        if self.trainer.nonfinite_batch:
            self._keep(self.trainer.nonfinite_batch)
            self.trainer.nonfinite_batch = None
        self.log.write(records, self._seconds)
        return records

    def save(self) -> None:
        """Writes a checkpoint.

        Raises:
            RunError: as in `checkpoints.save`.
        """
        state = {
            "run": _identity(self.run),
            "log": self.log.save(),
            "seconds": self._seconds,
            "fit": self.trainer.state_dict(),
        }
        checkpoints.save(self.run.folder, state)

    def finish(self) -> None:
        """Writes what a finished run has; the parameters come last.

        Raises:
            RunError: a parameter is not finite, no step was taken, or the disk is full.
        """
        if not any(optimizer.state for optimizer in self.trainer.optimizers.values()):
            raise RunError(
                f"every step of the run at {self.run.folder} was skipped, since its loss or "
                f"gradient was not finite: nothing was learnt; try a lower "
                f"--training.learning-rate, or other data."
            )
        self.log.save()
        if not (self.run.folder / manifest.NAME).is_file():  # removed while it was trained
            manifest.write_manifest(self.run.folder, self.run.manifest)
        parameters = self.trainer.model.state_dict()
        checkpoints.refuse_nonfinite(self.run.folder, parameters)
        content = packed(parameters)
        self.run.write("environment.json", environment_of(self.trainer, self._seconds, content))
        write_parameters(self.run.model_file, content)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self.begin

    def _keep(self, error: NonFiniteLossError) -> None:
        if not self.run.nonfinite_batch_file.exists():  # the first one says most
            write_nonfinite_batch(self.run.nonfinite_batch_file, error)

    def _with_what_is_kept(self, error: NonFiniteLossError) -> NonFiniteLossError:
        self._keep(error)
        if checkpoints.is_finite(self.trainer.state_dict()):
            self.save()
        kept = (
            "the last good state is kept" if self.run.interrupted else "no state was saved before"
        )
        error.args = (f"{error}; the batch is in {self.run.nonfinite_batch_file}, and {kept}.",)
        return error


def _most_bytes(trainer: Trainer) -> int:
    """Bytes of a checkpoint, generously: parameters, the best ones, the means of each player."""
    tensors: Iterable[Tensor] = trainer.model.state_dict().values()
    return 8 * sum(tensor.nbytes for tensor in tensors) + ROOM_FOR_THE_REST


def _identity(run: Run) -> list[str | int]:
    """Identifies the run; checkpoints of other runs are refused."""
    return [run.experiment.config_hash, run.seed]
