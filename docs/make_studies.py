"""Conducts the studies and writes their pages in docs/studies/ from the results.

The words of a page are those of its template beside it; every number in double braces is filled in
from the study's results.json. Run with
`python docs/make_studies.py [--budget quick|full] [--runs FOLDER] [STUDY ...]`; trainings that are
finished in the folder are found again.
"""

import argparse
import json
import re
import shutil
from pathlib import Path

import jinja2

from distaff.cli.progress import StudyProgress
from distaff.studies import STUDIES, run_study

DOCS = Path(__file__).parent / "studies"


def fixed(value: float, digits: int = 2) -> str:
    """A number with exactly so many decimals."""
    return f"{value:.{digits}f}".replace("-", "−")


def estimate(value: dict[str, float], digits: int = 2) -> str:
    """A mean with half the width of its 95 % interval."""
    return f"{fixed(value['mean'], digits)} ± {fixed(value['high'] - value['mean'], digits)}"


def minutes(seconds: float) -> str:
    """A length of time for people."""
    return f"{seconds / 60:.1f} min" if seconds >= 90 else f"{seconds:.0f} s"


def write_page(name: str, folder: Path) -> None:
    """Fills in a study's template, and copies its report and the figures that the page shows."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters |= {"fixed": fixed, "estimate": estimate, "minutes": minutes}
    results = json.loads((folder / "results.json").read_text())
    spent = sum(sum(training["seconds"]) for training in results["trainings"].values())
    page = environment.from_string((DOCS / f"{name}.template.md").read_text()).render(
        results=results, spent=spent, measuring=sum(results["seconds"].values())
    )
    (DOCS / f"{name}.md").write_text(page + "\n")
    for figure in re.findall(rf"\(figures/{name}-([\w.-]+)\.png\)", page):
        shutil.copyfile(folder / f"{figure}.png", DOCS / f"figures/{name}-{figure}.png")
    shutil.copyfile(folder / "report.pdf", DOCS / f"{name}.pdf")


def main() -> None:
    """Conducts the studies asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", help="by default all")
    parser.add_argument("--budget", choices=("quick", "full"), default="quick")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    arguments = parser.parse_args()
    for name in arguments.studies or STUDIES:
        with StudyProgress() as progress:
            folder = run_study(STUDIES[name](arguments.budget), arguments.runs, watcher=progress)
        write_page(name, folder)


if __name__ == "__main__":
    main()
