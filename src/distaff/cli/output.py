"""Shared by the verbs: output as JSON, and the runs they work on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from distaff.files import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distaff.runs import OpenRun

Folder = Annotated[Path, tyro.conf.Positional]


DataPath = Annotated[Path | None, tyro.conf.arg(name="data.path")]
"""Where the data of runs lie now, if they were moved after the training."""


def opened_runs(folder: Path, data_path: Path | None) -> "Iterator[OpenRun]":
    """Yields the finished runs in a folder, of which there is at least one, each opened in turn.

    Runs on the same data that follow one another share it.
    """
    from distaff.errors import RunError
    from distaff.runs import OpenRun, find_runs
    from distaff.runs.opened import Datasets

    found = find_runs(folder, data_path)
    finished = [run for run in found if run.finished]
    if not finished:
        raise RunError(
            f"the run at {found[0].folder} is not finished; go on with distaff train and --resume."
        )
    datasets: Datasets = {}
    for run in finished:
        yield OpenRun(run, datasets)


def print_json(content: Any) -> None:
    """Prints the result of a verb as JSON."""
    print(as_json(content))


def as_json(content: Any) -> str:
    """Returns the result of a verb as JSON."""
    return json_text(content)
