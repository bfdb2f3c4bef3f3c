"""Experiment to finished runs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

from distaff.data import FactorDataset, load_from
from distaff.errors import Interrupted, RunError, memory_errors_as_sentence
from distaff.experiment import Experiment
from distaff.models import build
from distaff.runs import Run, checkpoints, create, run_folder
from distaff.runs.folders import check_experiment, remove_start
from distaff.runs.lock import HeldFolder, locked
from distaff.runs.session import Session, resume
from distaff.runs.training_log import TrainingLog
from distaff.training.device import choose_device
from distaff.training.interrupts import InterruptGuard
from distaff.training.trainer import Record, Trainer

SECONDS_BETWEEN_CHECKPOINTS = 60.0
"""Longest time that a kill can cost, if checkpoints are quick to write."""
CHECKPOINTS_SHARE = 0.02
"""Largest share of the time spent on writing them, if they are not."""
LESS_MEMORY = (
    "give a smaller --training.batch-size, fewer samples or smaller nets; what was saved is kept, "
    "and --resume goes on from there"
)


@runtime_checkable
class Progress(Protocol):
    """Watches a training."""

    def start(self, run: Run, trainer: Trainer) -> None:
        """A run starts, or resumes at `trainer.current_step`."""

    def advance(self, trainer: Trainer, records: list[Record]) -> None:
        """A step was taken."""


def train(
    experiment: Experiment,
    runs: Path | str = "runs",
    *,
    resume: bool = False,
    progress: Progress | None = None,
    data_path: Path | None = None,
) -> list[Run]:
    """Trains the runs of an experiment that are not finished yet, one for each seed.

    Args:
        experiment: what to train.
        runs: folder that holds all runs.
        resume: go on with runs that were interrupted.
        progress: called at every step.
        data_path: where the data lie now, if they were moved since the runs began.

    Returns:
        The finished runs, in the order of the seeds.

    Raises:
        RunError: a run was interrupted and `resume` is not set or its data have changed, is being
            trained by another process, or cannot be written.
        Interrupted: Ctrl-C or SIGTERM; the state is saved.
        NonFiniteLossError: saved is the last good state, and beside it the culprit batch.

    Warns:
        RunWarning: the newest checkpoint is damaged, and the one before it is taken; or the
            training ends before the model's weights are at their last values.
    """
    choose_device(experiment.training.device)  # before any folder is made
    dataset: FactorDataset | None = None
    trained = []
    for seed in experiment.seeds:
        run = Run(run_folder(Path(runs), experiment, seed), data_path)
        if not run.finished:
            dataset = dataset or load_from(experiment.data, data_path)
            with _nothing_left_of_a_failed_start(run), locked(run.folder) as held:
                if run.interrupted and not resume:
                    raise RunError(
                        f"the run at {run.folder} was interrupted; continue it with --resume, or "
                        f"remove that folder to start again."
                    )
                if not run.finished:  # by whom the folder was locked until now
                    run = create(run, experiment, seed, dataset)
                    with memory_errors_as_sentence(LESS_MEMORY):
                        _train_run(run, dataset, progress, held)
        check_experiment(run, experiment)
        checkpoints.discard(run.folder)
        trained.append(run)
    return trained


@contextmanager
def _nothing_left_of_a_failed_start(run: Run) -> Iterator[None]:
    """Removes the folder of a run that the block made and in which no training came about."""
    new = not run.folder.exists()
    try:
        yield
    except BaseException:
        if new and not (run.finished or run.interrupted or run.nonfinite_batch_file.exists()):
            remove_start(run)
        raise


def _train_run(
    run: Run, dataset: FactorDataset, progress: Progress | None, held: HeldFolder
) -> None:
    experiment, seed, spec, _ = run.manifest
    trainer = Trainer(
        build(experiment.model, spec, seed=seed),
        dataset.split("train"),
        dataset.split("validation"),
        experiment.training,
        seed=seed,
    )
    seconds = resume(run, trainer)
    if progress:
        progress.start(run, trainer)
    if trainer.current_step == 0:
        trainer.begin()
    with (
        InterruptGuard(lambda: trainer.validating) as interrupt,
        TrainingLog(run.folder, trainer.current_step, held.check) as log,
    ):
        session = Session(run, trainer, log, time.monotonic() - seconds)
        due = time.monotonic() + SECONDS_BETWEEN_CHECKPOINTS
        try:
            while not trainer.finished and not interrupt.requested:
                records = session.step()
                if progress:
                    progress.advance(trainer, records)
                if time.monotonic() > due:
                    due = _save_in_time(session)
        except KeyboardInterrupt:  # a second signal ends a validation, which is done later
            if not interrupt.requested:
                raise
        if trainer.finished:
            session.finish()
            return
        session.save()
    raise Interrupted(
        f"stopped at step {trainer.current_step} of {trainer.steps}; the same command with "
        f"--resume goes on from there."
    )


def _save_in_time(session: Session) -> float:
    """Writes a checkpoint; returns when the next one is due."""
    begin = time.monotonic()
    session.save()
    end = time.monotonic()
    return end + max(SECONDS_BETWEEN_CHECKPOINTS, (end - begin) / CHECKPOINTS_SHARE)
