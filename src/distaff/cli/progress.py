"""Progress bars: of a training, a study, an encoding, a download."""

import time
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, TypeVar

from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text
from typing_extensions import override

from distaff.cli.terminal import STDERR, plain_column, say
from distaff.errors import RunWarning
from distaff.runs import Run
from distaff.text import printable
from distaff.training.trainer import Record, Trainer

REFRESH_SECONDS = 0.25
LINE_SECONDS = 10.0
"""Between two lines where there is no terminal."""
BAR_CELLS = 10

AnyBar = TypeVar("AnyBar", bound="_Bar")


def _description() -> Any:
    """The column that gives way where the terminal is narrow."""
    column = Column(ratio=1, no_wrap=True, overflow="ellipsis", max_width=60)
    return plain_column("description", column)


def _bar() -> BarColumn:
    return BarColumn(BAR_CELLS, table_column=Column(min_width=BAR_CELLS))


def _percent() -> TaskProgressColumn:
    return TaskProgressColumn(table_column=Column(min_width=4, no_wrap=True))


def _time_left() -> TimeRemainingColumn:
    return TimeRemainingColumn(table_column=Column(min_width=7, no_wrap=True))


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
            say(message)
        else:
            self._before(message, category, *others, **named)

    def _begin(self, what: str, total: int | None = None, **fields: Any) -> None:
        """Shows a bar of something else."""
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        self._bar.start()  # not before: an empty bar leaves an empty line
        self._task = self._bar.add_task(printable(what), total=total, **fields)
        self._told = time.monotonic()

    def _tell(self, done: int, total: int | None, unit: str) -> None:
        """Moves the bar on; where there is no terminal, a line now and then, and the last one."""
        self._bar.update(self._task, completed=done, total=total)
        if not STDERR.is_terminal and (self._line_is_due() or done == total):
            STDERR.print(f"{done:,} of {total:,} {unit}" if total else f"{done:,} {unit}")

    def _line_is_due(self) -> bool:
        due = time.monotonic() - self._told >= LINE_SECONDS
        if due:
            self._told = time.monotonic()
        return due


class _WithTerms(Progress):
    """A bar, and below it a line of the latest terms."""

    terms = ""

    @override
    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        if self.terms:
            yield Text(printable(self.terms), no_wrap=True, overflow="ellipsis")


class TrainingProgress(_Bar):
    """A bar with rate, time left and the latest terms; plain lines where there is no terminal."""

    _bar: _WithTerms

    def __init__(self, notes: Mapping[Path, str] = MappingProxyType({})) -> None:
        """Prepares a bar.

        Args:
            notes: what is said of a run, by its folder, when its training begins.
        """
        self._title, self._notes = "", notes
        self._bar = _WithTerms(
            _description(),
            _bar(),
            _percent(),
            plain_column("fields[rate]", Column(no_wrap=True)),
            _time_left(),
            console=STDERR,
            auto_refresh=False,
            expand=True,
            disable=not STDERR.is_terminal,
        )

    def start(self, run: Run, trainer: Trainer) -> None:
        """A run starts, or resumes at `trainer.current_step`."""
        derived = "".join(f", {k} {v:.4g}" for k, v in trainer.model.derived_settings().items())
        title = f"{self._title}seed {run.seed}"
        if run.folder in self._notes:
            say(self._notes[run.folder])
        STDERR.print(f"{self._title}{run.folder} on {trainer.device}{derived}", soft_wrap=True)
        self._bar.terms = ""
        self._begin(title, trainer.steps, rate="")
        self._bar.update(self._task, completed=trainer.current_step)
        self._began, self._first, self._shown = time.monotonic(), trainer.current_step, 0.0

    def advance(self, trainer: Trainer, records: list[Record]) -> None:
        """A step was taken."""
        now = time.monotonic()
        for record in records:
            self._bar.terms = f"{record['split']}: {_terms(record)}"
        rate = (trainer.current_step - self._first) / max(now - self._began, 1e-9)
        if STDERR.is_terminal:
            if now - self._shown > REFRESH_SECONDS or trainer.finished:
                speed = f"{rate:.0f} steps/s"
                self._bar.update(self._task, completed=trainer.current_step, rate=speed)
                self._bar.refresh()
                self._shown = now
        elif self._line_is_due() or (trainer.finished and records):
            left = (trainer.steps - trainer.current_step) / max(rate, 1e-9)
            STDERR.print(
                f"step {trainer.current_step:,} of {trainer.steps:,}, {rate:.0f} steps/s, "
                f"{left:.0f} s left; {self._bar.terms}",
                soft_wrap=True,
            )


def _terms(record: Record) -> str:
    return " ".join(
        f"{name} {record[name]:.4g}" for name in record if name not in ("split", "step")
    )


class StudyProgress(TrainingProgress):
    """The bar of each training, with its name and place, and a line for each task."""

    def training(self, name: str, place: int, count: int) -> None:
        """A training of the study begins, or is found finished."""
        self._title = f"{name}, {place} of {count}, "

    def task(self, name: str) -> None:
        """A task begins."""
        STDERR.print(f"task {name}", soft_wrap=True)


class ImageProgress(_Bar):
    """A bar while something is `done` to images, or `things`; plain lines without a terminal."""

    def __init__(self, done: str, things: str = "images") -> None:
        self._done, self._things = done, things
        self._bar = Progress(
            _description(),
            _bar(),
            _percent(),
            _time_left(),
            console=STDERR,
            transient=True,
            expand=True,
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
            _description(),
            _bar(),
            DownloadColumn(table_column=Column(no_wrap=True)),
            _time_left(),
            console=STDERR,
            transient=True,
            expand=True,
            disable=not STDERR.is_terminal,
        )

    def advance(self, name: str, done: int, total: int | None) -> None:
        """So many bytes of a file are there."""
        if name != self._name:
            self._name = name
            self._begin(name, total)
        self._tell(done, total, f"bytes of {name}")
