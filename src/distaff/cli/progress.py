"""What a person sees in the terminal: progress of a training, tables."""

import time
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
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
from rich.table import Table

from distaff.compare import RankCorrelation, Row
from distaff.errors import RunWarning
from distaff.metrics.score import Score
from distaff.runs import Run
from distaff.training.fit import Fit, Record

STDERR = Console(stderr=True)
REFRESH_SECONDS = 0.25


AnyBar = TypeVar("AnyBar", bound="_Bar")


class _Bar:
    """A bar that is there as long as its block of code runs, and shows the warnings of it."""

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

    def start(self, run: Run, fitting: Fit) -> None:
        """A run begins, or goes on from `fitting.step`."""
        derived = "".join(f", {k} {v:.4g}" for k, v in fitting.model.derived_settings().items())
        STDERR.print(f"{run.folder} on {fitting.device}{derived}", highlight=False)
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        self._bar.start()
        self._task = self._bar.add_task(
            f"seed {run.seed}", total=fitting.steps, completed=fitting.step, rate="", terms=""
        )
        self._began, self._first, self._shown = time.monotonic(), fitting.step, 0.0

    def advance(self, fitting: Fit, records: list[Record]) -> None:
        """A step was taken."""
        now = time.monotonic()
        for record in records:
            shown = " ".join(
                f"{name} {record[name]:.4g}" for name in record if name not in ("split", "step")
            )
            if STDERR.is_terminal:
                self._bar.update(self._task, terms=f"{record['split']}: {shown}")
            elif record["split"] == "validation":
                STDERR.print(f"step {record['step']}/{fitting.steps} {shown}", highlight=False)
        if now - self._shown > REFRESH_SECONDS or fitting.finished:
            rate = (fitting.step - self._first) / max(now - self._began, 1e-9)
            self._bar.update(self._task, completed=fitting.step, rate=f"{rate:.0f} steps/s")
            if STDERR.is_terminal:
                self._bar.refresh()
            self._shown = now


class StudyProgress(TrainingProgress):
    """The bar of each training, and a line for each task."""

    def task(self, name: str) -> None:
        """A task begins."""
        STDERR.print(f"task {name}", highlight=False)


def print_plan(title: str, steps: Sequence[tuple[str, str, bool, float]]) -> None:
    """Prints the steps of a study, and how long those take that are not finished.

    Args:
        title: above the table.
        steps: name, what it is, whether it is finished, seconds it takes on two cores.
    """
    table = Table("step", "what", "state", "on two cores, about", title=title, title_justify="left")
    for name, what, finished, seconds in steps:
        table.add_row(name, what, "finished" if finished else "to do", _minutes(seconds))
    Console().print(table)
    left = sum(seconds for _, _, finished, seconds in steps if not finished)
    Console().print(f"left to do: about {_minutes(left)}")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


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


def print_scores(title: str, scores: dict[str, Score]) -> None:
    """Prints scores with interval, chance, ceiling and parts."""
    table = Table(title=title, title_justify="left")
    for heading in ("score", "value", "95 % interval", "chance", "ceiling"):
        table.add_column(heading, justify="left" if heading == "score" else "right")
    for name, score in scores.items():
        interval = "{:.3f} to {:.3f}".format(*score.interval) if score.interval else ""
        bounds = (f"{score.chance:.3f}", f"{score.ceiling:.3f}")
        table.add_row(name, f"{score.value:.3f}", interval, *bounds)
        for part, value in score.parts.items():
            table.add_row(f"  {part}", f"{value:.3f}")
    Console().print(table)
    origins: dict[str, list[str]] = defaultdict(list)
    for name, score in scores.items():
        origins[str(score.origin)].append(name)
    for origin, names in origins.items():
        if origin:
            Console().print(f"{', '.join(names)}: {origin}", highlight=False, soft_wrap=True)


def print_stale(title: str, stale: Sequence[str]) -> None:
    """Prints which scores of a run are of parameters that it no longer has, and not shown."""
    if stale:
        STDERR.print(
            f"{title}: stale and left out, of other parameters: {', '.join(stale)}; evaluate the "
            f"run again",
            highlight=False,
            soft_wrap=True,
        )


def print_comparison(rows: Sequence[Row], ranks: Sequence[RankCorrelation]) -> None:
    """Prints a line for each number of each experiment, then the rank correlations."""
    table = Table()
    for heading in ("experiment", "quantity", "seeds", "mean", "95 % interval", "median", "range"):
        table.add_column(
            heading, justify="left" if heading in ("experiment", "quantity") else "right"
        )
    for row in rows:
        interval = "{:.3f} to {:.3f}".format(*row.interval) if row.interval else ""
        spread = f"{row.smallest:.3f} to {row.largest:.3f}"
        table.add_row(
            row.experiment,
            row.quantity,
            str(row.seeds),
            f"{row.mean:.3f}",
            interval,
            f"{row.median:.3f}",
            spread,
        )
    Console().print(table)
    if ranks:
        table = Table("metric", "and metric", "runs", "rank correlation")
        for pair in ranks:
            table.add_row(pair.first, pair.second, str(pair.runs), f"{pair.spearman:.2f}")
        Console().print(table)


def print_list(title: str, lines: Iterable[tuple[str, str]]) -> None:
    """Prints names with what they are."""
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    for name, summary in lines:
        table.add_row(name, summary)
    Console().print(table)
