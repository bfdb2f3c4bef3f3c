"""Makes the pages of the site that follow from something else: home, verbs, API, gallery.

MkDocs runs it (`make docs`); nothing of it is kept in the repository.
"""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import mkdocs_gen_files

DOCS = Path(__file__).parent
ROOT = DOCS.parent
SOURCE = ROOT / "src"
VERBS = (
    "demo",
    "train",
    "train demo",
    "evaluate",
    "illustrate",
    "compare",
    "report",
    "audit",
    "grade",
    "study",
    "metrics explain",
    "data list",
    "data fetch",
    "data check",
    "data path",
    "list",
)
PAGES = {
    "Start": "start.md",
    "The demo": "demo.md",
    "Data": "data.md",
    "Metrics": "metrics.md",
    "Runs": "runs.md",
    "Speed": "speed.md",
    "Adding one thing": "extend.md",
}
STUDIES = {
    "dSprites, with some labels and none": "studies/dsprites.md",
    "Likelihoods on MNIST": "studies/mnist-likelihoods.md",
    "Conditional VAE on MNIST": "studies/mnist-conditional.md",
    "Spatial broadcast decoder": "studies/spatial-broadcast.md",
    "IWAE on MNIST": "iwae.md",
    "Theory of the likelihoods": "theory/likelihoods.md",
    "Scores that moved": "moved.md",
}


def write(name: str, text: str) -> str:
    """Writes a page of the site and returns its name."""
    with mkdocs_gen_files.open(name, "w") as page:
        page.write(text)
    return name


def home() -> str:
    """The README, its links as they are from inside the site."""
    text = (ROOT / "README.md").read_text("utf-8").replace("](docs/", "](")
    return write("index.md", text)


def changes() -> str:
    """The changelog, and the page that links to it, which lies elsewhere in the repository."""
    moved = (DOCS / "moved.md").read_text("utf-8")
    write("moved.md", moved.replace("](../CHANGELOG.md)", "](changelog.md)"))
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    return write("changelog.md", text.replace("](docs/", "]("))


def verb(name: str) -> str:
    """A page of what `--help` prints."""
    words = [sys.executable, "-m", "distaff", *name.split(), "--help"]
    narrow = os.environ | {"COLUMNS": "92", "NO_COLOR": "1"}
    shown = subprocess.run(words, capture_output=True, text=True, check=True, env=narrow).stdout
    shown = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    # boxes are narrow already, the description is one line a paragraph
    shown = "\n".join(textwrap.fill(line, 92) or line for line in shown.split("\n"))
    return write(
        f"verbs/{name.replace(' ', '-')}.md",
        f"# distaff {name}\n\n```text\n{shown.rstrip()}\n```\n",
    )


def modules() -> list[tuple[str, str]]:
    """A page for every module that has something public, by its dotted name."""
    found = []
    for path in sorted((SOURCE / "distaff").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if parts[-1] == "__main__" or "cli" in parts:
            continue
        name = ".".join(part for part in parts if part != "__init__")
        page = f"api/{name.replace('.', '/')}{'/index' if parts[-1] == '__init__' else ''}.md"
        found.append((name, write(page, f"# {name}\n\n::: {name}\n")))
    return found


def gallery() -> str:
    """Every figure of the documentation with its name."""
    text = (
        "# Gallery\n\nEach picture is made by a command of the repository from a trained model.\n"
    )
    for folder, words in (("figures", "demo, IWAE and audit"), ("studies/figures", "studies")):
        text += f"\n## From the {words}\n"
        for path in sorted((DOCS / folder).glob("*.png")):
            name = path.stem.replace("-", " ")
            text += f"\n### {name}\n\n![{name}]({folder}/{path.name})\n"
    return write("gallery.md", text)


def summary() -> str:
    """The navigation."""
    lines = [f"- [Home]({home()})", f"- [Gallery]({gallery()})"]
    lines += [f"- [{title}]({page})" for title, page in PAGES.items()]
    lines += ["- Studies", *(f"    - [{title}]({page})" for title, page in STUDIES.items())]
    lines += ["- Commands", *(f"    - [{name}]({verb(name)})" for name in VERBS)]
    lines += ["- Reference", *(f"    - [{name}]({page})" for name, page in modules())]
    return "\n".join([*lines, f"- [Changes]({changes()})", ""])


write("SUMMARY.md", summary())
