"""The log of a training: train.jsonl, and TensorBoard event files where it is installed."""

import importlib.util
import math
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from distaff.errors import RunError
from distaff.files import (
    TRAIN_AGAIN,
    damaged,
    json_text,
    os_errors_as_run_errors,
    parse_json,
    read_text,
)

NAME = "train.jsonl"
MOST_BYTES = 2**27
MOST_NUMBERS = 100
"""In a line; a figure has a panel for each."""
Line = dict[str, Any]


class TrainingLog:
    """Appends lines to the log of a run."""

    def __init__(self, folder: Path, step: int, check: Callable[[], None]) -> None:
        """Prepares to write.

        Args:
            folder: of the run.
            step: from which the training goes on; what TensorBoard knows of later ones is purged.
            check: raises where the folder is no longer there; an open file can be written to for
                as long as one likes after its folder is gone.
        """
        self._path = folder / NAME
        self._check = check
        self._step = step
        self._board: Any = None

    def __enter__(self) -> "TrainingLog":
        with os_errors_as_run_errors(self._path):
            self._before = threading.excepthook
            self._file = self._path.open("a", encoding="utf-8")
            # TensorBoard writes in a thread; what fails there is raised by its next call here
            threading.excepthook = lambda _: None
            if importlib.util.find_spec("tensorboard"):
                from torch.utils.tensorboard import SummaryWriter

                self._board = SummaryWriter(str(self._path.parent), purge_step=self._step)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            with os_errors_as_run_errors(self._path):
                self._file.close()
                if self._board:
                    self._board.close()
        except RunError:
            if kind is None:  # else what is raised already says more
                raise
        finally:
            threading.excepthook = self._before

    def write(self, records: list[Line], seconds: float) -> None:
        """Adds lines.

        Args:
            records: `split`, `step`, and numbers.
            seconds: that the training has taken.

        Raises:
            RunError: the disk is full, or the folder was removed.
        """
        if records:
            self._check()
        for record in records:
            line = {**record, "seconds": round(seconds, 3)}
            with os_errors_as_run_errors(self._path):
                self._file.write(json_text(line, indent=None) + "\n")
                self._file.flush()
                self._show(line)

    def save(self) -> int:
        """Flushes the log to disk and returns its size in bytes.

        Raises:
            RunError: as in `write`.
        """
        self._check()
        with os_errors_as_run_errors(self._path):
            os.fsync(self._file.fileno())
            status = os.fstat(self._file.fileno())
            if not status.st_nlink:
                raise RunError(
                    f"{self._path} was deleted during the training; train the run again."
                )
            return status.st_size

    def _show(self, line: Line) -> None:
        for name, value in line.items() if self._board else ():
            if name not in ("split", "step"):
                self._board.add_scalar(f"{name}/{line['split']}", value, line["step"])


def truncate(folder: Path, size: int) -> None:
    """Cuts the log back to its size at a checkpoint.

    Raises:
        RunError: it has lost lines since, or cannot be written to.
    """
    path = folder / NAME
    with os_errors_as_run_errors(path):
        found = path.stat().st_size if path.exists() else 0
        if found < size:
            raise RunError(
                f"{path} has {found} of the {size} bytes that it had at the checkpoint; remove "
                f"{folder} to start again."
            )
        if size or found:
            os.truncate(path, size)


def read_log(folder: Path) -> list[Line]:
    """Returns the whole lines of a log; a last line that was cut short is left out.

    Raises:
        RunError: it is missing or damaged.
    """
    path = folder / NAME
    whole = read_text(path, again=TRAIN_AGAIN, most=MOST_BYTES).split("\n")[:-1]
    return [_line(text, path, number) for number, text in enumerate(whole, start=1)]


def _line(text: str, path: Path, number: int) -> Line:
    """Validated by hand: a general type check is slow on long logs."""
    try:
        line = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"line {number}: {error}", TRAIN_AGAIN) from None
    known = isinstance(line, dict) and isinstance(line.get("split"), str)
    known = known and isinstance(line.get("step"), int)
    if known and len(line) > MOST_NUMBERS:
        raise damaged(path, f"line {number} has {len(line):,} numbers", TRAIN_AGAIN)
    numbers = (int, float, type(None))
    if not known or not all(isinstance(line[n], numbers) for n in line if n != "split"):
        raise damaged(path, f"line {number} is {text[:40]!r}", TRAIN_AGAIN)
    return {name: math.nan if value is None else value for name, value in line.items()}
