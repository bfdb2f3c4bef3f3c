"""The figures in a run's folder, each with the stamp of the parameters it was drawn from."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from distaff.figures.house_style import house_style
from distaff.files import atomic_write, damaged
from distaff.runs.run import Run

STAMP = "Parameters"
"""Name of the stamp in a PNG; a PDF has it among its keywords."""


def write_figure(run: Run, name: str, figure: Figure) -> Path:
    """Writes a figure as PNG and as PDF, and returns the path of the PNG.

    Raises:
        RunError: the folder cannot be written to.
    """
    stamp = run.stamp or ""
    # no date in the file: the same run gives the same bytes
    metadata = {".png": {STAMP: stamp}, ".pdf": {"CreationDate": None, "Keywords": stamp}}
    for suffix, words in metadata.items():
        with atomic_write(run.figures_folder / f"{name}{suffix}") as temporary, house_style():
            figure.savefig(temporary, metadata=words)
    return run.figures_folder / f"{name}.png"


def figures_of(run: Run, *, stale: bool = False) -> dict[str, Path]:
    """Returns the figures that were drawn from the parameters that the run has now.

    Those without a stamp, from before there were any or put there by a person, count among them.

    Args:
        run: whose folder is looked through.
        stale: return the others instead, of parameters that are gone.

    Raises:
        RunError: a figure cannot be read.
    """
    paths = sorted(run.figures_folder.glob("[!.]*.png"))
    return {p.stem: p for p in paths if (_stamp(p) not in (None, run.stamp)) == stale}


def missing_figures(run: Run, names: Sequence[str]) -> list[str]:
    """Returns which figures are not there whole, as PNG and as PDF, of the run's parameters."""
    there = figures_of(run)
    return [name for name in names if name not in there or not _pdf(there[name]).is_file()]


def _pdf(png: Path) -> Path:
    return png.with_suffix(".pdf")


def _stamp(path: Path) -> str | None:
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            stamp = picture.info.get(STAMP)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise damaged(path, error, "illustrate the run again") from None
    return stamp if isinstance(stamp, str) else None
