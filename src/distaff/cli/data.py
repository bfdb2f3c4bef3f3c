"""The verbs on the files of data sets: distaff data list, fetch, check and path."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from distaff.cli.output import print_json
from distaff.cli.terminal import show
from distaff.errors import DataError, UsageError

if TYPE_CHECKING:
    from distaff.data import Dataset
    from distaff.experiment import Experiment

DATA_DESCRIPTION = """The official files of data sets: which there are, download, check sums.

They lie in one folder, which the environment variable DISTAFF_DATA names. A training downloads
what it needs by itself, unless DISTAFF_OFFLINE is set."""


def data(verb: Annotated[str, tyro.conf.Positional]) -> None:
    """List, download and check the official files of data sets.

    Examples:
        distaff data list
        distaff data fetch mnist

    Args:
        verb: list, fetch, check or path.
    """
    raise UsageError(f"give the verb first: distaff data {verb}.")


def list_(*, json: bool = False) -> None:
    """List the data sets and how many of their official files are there.

    Example: distaff data list --json

    Args:
        json: Print JSON.
    """
    from distaff.cli.catalogue import list_files
    from distaff.cli.printing import print_list

    lines = list_files()
    if json:
        print_json(dict(lines))
    else:
        print_list("data", lines)


def fetch(names: Annotated[tuple[str, ...], tyro.conf.Positional], *, json: bool = False) -> None:
    """Download the official files of data sets, where they are not there yet.

    Interrupted downloads resume; files you copy in yourself work too: distaff data path NAME
    says where.

    Examples:
        distaff data fetch mnist
        distaff data fetch mnist fashion-mnist dsprites

    Args:
        names: Data sets, of distaff list data.
        json: Print JSON.
    """
    from distaff.cli.progress import DownloadProgress
    from distaff.data.reading.official_files import ensure_downloaded

    if not names:
        raise UsageError("no data set given; for example distaff data fetch mnist")
    files = [file for name in names for file in _named(name).official if not file.alternative]
    with DownloadProgress() as progress:
        paths = [str(ensure_downloaded(file, on_bytes=progress.advance)) for file in files]
    if json:
        print_json(paths)
    else:
        for path in paths or ["nothing to download"]:
            show(path)


def check(name: Annotated[str, tyro.conf.Positional], *, json: bool = False) -> None:
    """Check the official files of a data set; the exit code is 1 if any is missing or wrong.

    The file of dSprites is also compared with the drawing, image by image, in about half a minute.

    Examples:
        distaff data check mnist
        distaff data check dsprites

    Args:
        name: Data set, of distaff list data.
        json: Print JSON.
    """
    from distaff.cli.progress import ImageProgress

    dataset, checked = _named(name), []
    instead = any(file.alternative and file.path.is_file() for file in dataset.official)
    for file in dataset.official:
        there = file.path.is_file()
        if not there and (file.alternative or instead):
            continue
        fault = file.verify(file.path) if there else f"missing; get it by distaff data fetch {name}"
        entry: dict[str, Any] = {"path": str(file.path), "fault": fault}
        checked.append(entry)
        if not json:
            show(f"{file.path}: {fault or 'whole'}")
        if not there:
            continue
        with ImageProgress("compared") as progress:
            progress.start(f"comparing {file.path.name}")
            compared = dataset(dataset.Config()).compare(file, progress.advance)
        if compared:
            entry["compared"] = compared._asdict()
            if not json:
                show(compared)
    if json:
        print_json(checked)
    if wrong := sum(bool(file["fault"]) for file in checked):
        raise DataError(f"{wrong} of {len(checked)} official files of {name} missing or wrong.")


def path(name: Annotated[str | None, tyro.conf.Positional] = None, *, json: bool = False) -> None:
    """Print the folder of all data, or of one data set.

    Examples:
        distaff data path
        distaff data path mnist

    Args:
        name: Data set, of distaff list data.
        json: Print JSON.
    """
    from distaff.data import data_folder

    folder = data_folder()
    if name:
        official = _named(name).official
        if not official:
            raise UsageError(f"{name} has no official file, and so no folder.")
        folder = official[0].path.parent
    if json:
        print_json(str(folder))
    else:
        show(folder)


DATA_VERBS: dict[str, Callable[..., None]] = {
    "list": list_,
    "fetch": fetch,
    "check": check,
    "path": path,
}


def fetch_for(experiments: "Iterable[Experiment]", runs: Path) -> None:
    """Downloads, with a bar, what the trainings that are left to do will load."""
    from distaff.cli.progress import DownloadProgress
    from distaff.runs import Run, run_folder

    with DownloadProgress() as progress:
        for each in experiments:
            if not all(Run(run_folder(runs, each, seed)).finished for seed in each.seeds):
                each.data.build().fetch(progress.advance)


def _named(name: str) -> "type[Dataset]":
    from distaff.data import DATASETS

    return DATASETS.look_up(name)
