"""docs/extend.md, line by line: once inside distaff, once as a package of somebody else."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pages_of_docs import DOCS, blocks_of

SOURCE = DOCS.parent / "src" / "distaff"
FILES = {block.title: block.code for block in blocks_of(DOCS / "extend.md") if block.title}
PLACES = {
    "my_vae.py": ("models", '    "classifier": Classifier,\n', '"my-vae": MyVAE'),
    "my_decoder.py": (
        "nets",
        '        "spatial-broadcast": SpatialBroadcastDecoder,\n',
        '"my-decoder": MyDecoder',
    ),
    "my_likelihood.py": ("likelihoods", '        "beta": Beta,\n', '"my-likelihood": MyLikelihood'),
    "my_set.py": ("data", '        "mnist": Mnist,\n', '"my-set": MySet'),
    "my_score.py": ("metrics", "            dci,\n", "my_score"),
    "my_recipe.py": ("recipes", "            DEMO,\n", "MY_RECIPE"),
}
"""File -> its room, the line of the registry after which its entry comes, and the entry."""
SHOWN = """
import distaff, torch
model = distaff.load("runs/my-recipe")
print(type(model).__name__, model.sample(2).shape)
"""

pytestmark = pytest.mark.slow


def run(words: list[str], folder: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Runs Python in a folder, with these places first on its path."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def distaff(words: str, folder: Path, *paths: Path) -> str:
    done = run(["-m", "distaff", *words.split()], folder, *paths)
    assert done.returncode == 0, done.stderr
    return done.stdout


def use_all(folder: Path, *paths: Path) -> None:
    """Trains, measures, draws, reports and loads what the page adds."""
    listed = distaff("list", folder, *paths)
    for name in ("my-vae", "my-decoder", "my-likelihood", "my-set", "my-score", "my-recipe"):
        assert name in listed
    assert "--model.gamma" in distaff("train my-recipe --help", folder, *paths)
    distaff("train my-recipe", folder, *paths)
    distaff("evaluate runs/my-recipe", folder, *paths)
    (scores,) = folder.glob("runs/my-recipe/*/seed-0/scores.json")
    kept = json.loads(scores.read_text())
    assert kept["my-score"]["options"] == {"power": 2.0}
    assert kept["my-score"]["estimator"].startswith("|r|^2")
    assert "follows it in a line" in distaff("metrics explain my-score", folder, *paths)
    shown = run(["-c", SHOWN], folder, *paths)
    assert shown.stdout.split("\n")[-2] == "MyVAE (2, 1, 16, 16)", shown.stderr


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The package of the page, installed into a folder of its own; that folder and a free one."""
    folder = tmp_path_factory.mktemp("fibre")
    (folder / "source" / "fibre").mkdir(parents=True)
    (folder / "source" / "fibre" / "__init__.py").touch()
    for title, code in FILES.items():
        place = "." if title == "pyproject.toml" else "fibre"
        (folder / "source" / place / title).write_text(code)
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    target = ["--target", str(folder / "installed"), str(folder / "source")]
    done = run([*pip, *target], folder)
    assert done.returncode == 0, done.stderr
    (folder / "work").mkdir()
    return folder / "installed", folder / "work"


def test_a_package_of_somebody_else_is_used_like_distaff_s_own(package: tuple[Path, Path]) -> None:
    installed, work = package
    use_all(work, installed)
    assert "(from fibre 1.2)" in distaff("list models", work, installed)
    drawn = distaff("illustrate runs/my-recipe", work, installed)
    assert "my-figure.png" in drawn
    distaff("report runs/my-recipe", work, installed)
    distaff("study my-study --budget smoke", work, installed)
    report = work / "runs" / "studies" / "my-study" / "smoke"
    nats = json.loads((report / "results.json").read_text())["bound"]["nats"]
    assert f"{nats:.1f} nats" in (report / "report.html").read_text().replace("\n", " ")
    assert (report / "report.pdf").read_bytes().startswith(b"%PDF-")
    file = next(work.glob("runs/my-recipe/*/seed-0/experiment.json"))
    whence = {"source": "fibre", "version": "1.2"}
    assert json.loads(file.read_text())["origins"] == {
        "data": whence,
        "model": whence,
        "model.decoder": whence,
        "model.likelihood": whence,
        "metrics.my-score": whence,
    }


def test_the_contracts_hold_for_it(package: tuple[Path, Path]) -> None:
    installed, work = package
    words = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(DOCS.parent / "tests/contracts.py"),
    ]
    done = run([*words, "-k", "my-vae or my_score or MySet or my-likelihood"], work, installed)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert done.stdout.count(".") >= 8 or passed


def test_without_the_package_its_run_says_what_to_install(package: tuple[Path, Path]) -> None:
    installed, work = package
    if not (work / "runs").exists():
        distaff("train my-recipe", work, installed)
    done = run(["-m", "distaff", "evaluate", "runs/my-recipe"], work)
    assert done.returncode == 1
    assert "pip install fibre==1.2" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_holds_inside_distaff(tmp_path: Path) -> None:
    inside = tmp_path / "src" / "distaff"
    shutil.copytree(SOURCE, inside)
    for title, (room, after, entry) in PLACES.items():
        module = title.removesuffix(".py")
        code = FILES[title]
        for other, (place, *_) in PLACES.items():
            name = other.removesuffix(".py")
            code = code.replace(f"from fibre.{name} import", f"from distaff.{place}.{name} import")
        (inside / room / title).write_text(code)
        text = (inside / room / "__init__.py").read_text()
        thing = entry.split(": ")[-1]
        assert after in text
        indent = after[: len(after) - len(after.lstrip())]
        text = text.replace(after, f"{after}{indent}{entry},\n")
        first = text.index(f"\nfrom distaff.{room}.") + 1
        line = f"from distaff.{room}.{module} import {thing}\n"
        (inside / room / "__init__.py").write_text(text[:first] + line + text[first:])
    work = tmp_path / "work"
    work.mkdir()
    source = inside.parent
    use_figure = (inside / "recipes" / "my_recipe.py").read_text()
    (inside / "recipes" / "my_recipe.py").write_text(use_figure.replace('"my-figure"', '"samples"'))
    use_all(work, source)
    file = next(work.glob("runs/my-recipe/*/seed-0/experiment.json"))
    assert "origins" not in json.loads(file.read_text())


def test_a_script_registers_in_its_own_process(tmp_path: Path) -> None:
    script = (
        FILES["my_vae.py"]
        + """

import sys
import distaff.models
from distaff.cli import main

distaff.models.register("my-vae", MyVAE)
sys.exit(main(sys.argv[1:]))
"""
    )
    (tmp_path / "mine.py").write_text(script)
    small = ["--data.size", "16", "--training.steps", "4", "--training.validate-every", "4"]
    done = run(["mine.py", "train", "demo", "--model", "my-vae", *small], tmp_path)
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.glob("runs/demo/*/seed-0/experiment.json")
    origins = json.loads(file.read_text())["origins"]
    assert origins == {"model": {"source": "mine.py", "version": None}}
    done = run(["-c", "import distaff; distaff.load('runs/demo')"], tmp_path)
    assert "the model 'my-vae'; it was registered by mine.py; import that first" in done.stderr
