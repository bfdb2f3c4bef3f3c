"""Progress bars: of a training, a study, an encoding, a download."""

import time
import warnings
from types import TracebackType
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from distaff.errors import RunWarning
from distaff.runs import Run
from distaff.training.trainer import Record, Trainer

STDERR = Console(stderr=True)
REFRESH_SECONDS = 0.25


AnyBar = TypeVar("AnyBar", bound="_Bar")


class _Bar:
    """A bar for the duration of a block, which also shows the block's warnings."""

    _bar: Progress

    def __enter__(self: AnyBar) -> AnyBar:
        self._before = warnings.showwarning
        warnings.showwarning = self._show_warning
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar.task_ids:
            self._bar.stop()
        warnings.showwarning = self._before

    def _show_warning(
        self, message: Warning | str, category: type[Warning], *others: Any, **named: Any
    ) -> None:
        """Shows a warning of our own in a line, without the place in the code."""
        if issubclass(category, RunWarning):
            STDERR.print(f"distaff: {message}", highlight=False, soft_wrap=True)
        else:
            self._before(message, category, *others, **named)

    def _begin(self, what: str, total: int | None = None) -> None:
        """Shows a bar of something else."""
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        self._bar.start()  # not before: an empty bar leaves an empty line
        self._task, self._tenths = self._bar.add_task(what, total=total), 0

    def _tell(self, done: int, total: int | None, unit: str) -> None:
        """Moves the bar on; where there is no terminal, a line for each tenth."""
        self._bar.update(self._task, completed=done, total=total)
        if not STDERR.is_terminal and total and done * 10 // total > self._tenths:
            self._tenths = done * 10 // total
            STDERR.print(f"{done:,} of {total:,} {unit}", highlight=False)


class TrainingProgress(_Bar):
    """A bar with rate, time left and the latest terms; plain lines where there is no terminal."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[terms]}"),
            console=STDERR,
            auto_refresh=False,
        )

    def start(self, run: Run, trainer: Trainer) -> None:
        """A run starts, or resumes at `trainer.current_step`."""
        derived = "".join(f", {k} {v:.4g}" for k, v in trainer.model.derived_settings().items())
        STDERR.print(f"{run.folder} on {trainer.device}{derived}", highlight=False)
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        self._bar.start()
        self._task = self._bar.add_task(
            f"seed {run.seed}",
            total=trainer.steps,
            completed=trainer.current_step,
            rate="",
            terms="",
        )
        self._began, self._first, self._shown = time.monotonic(), trainer.current_step, 0.0

    def advance(self, trainer: Trainer, records: list[Record]) -> None:
        """A step was taken."""
        now = time.monotonic()
        for record in records:
            shown = " ".join(
                f"{name} {record[name]:.4g}" for name in record if name not in ("split", "step")
            )
            if STDERR.is_terminal:
                self._bar.update(self._task, terms=f"{record['split']}: {shown}")
            elif record["split"] == "validation":
                STDERR.print(f"step {record['step']}/{trainer.steps} {shown}", highlight=False)
        if now - self._shown > REFRESH_SECONDS or trainer.finished:
            rate = (trainer.current_step - self._first) / max(now - self._began, 1e-9)
            self._bar.update(self._task, completed=trainer.current_step, rate=f"{rate:.0f} steps/s")
            if STDERR.is_terminal:
                self._bar.refresh()
            self._shown = now


class StudyProgress(TrainingProgress):
    """The bar of each training, and a line for each task."""

    def task(self, name: str) -> None:
        """A task begins."""
        STDERR.print(f"task {name}", highlight=False)


class ImageProgress(_Bar):
    """A bar while something is `done` to images, or `things`; plain lines without a terminal."""

    def __init__(self, done: str, things: str = "images") -> None:
        self._done, self._things = done, things
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=STDERR,
            transient=True,
            disable=not STDERR.is_terminal,
        )

    def start(self, what: str) -> None:
        """Something begins; nothing is known of its length until images are done."""
        self._begin(what)

    def advance(self, done: int, total: int) -> None:
        """So many images are done."""
        self._tell(done, total, f"{self._things} {self._done}")


class DownloadProgress(_Bar):
    """A bar for each file that is downloaded; plain lines where there is no terminal."""

    def __init__(self) -> None:
        self._name = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=STDERR,
            transient=True,
            disable=not STDERR.is_terminal,
        )

    def advance(self, name: str, done: int, total: int | None) -> None:
        """So many bytes of a file are there."""
        if name != self._name:
            self._name = name
            self._begin(name, total)
        self._tell(done, total, f"bytes of {name}")
