"""Every command of README and docs, run as it stands; trainings are cut to two steps.

What cannot be run here stands in `NOT_RUN` with its reason; no other command is left out.
"""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from pages_of_docs import DOCS, Block, blocks_of
from PIL import Image

from distaff.cli import main

NOT_RUN = {
    r"^make ": "sets up an environment of its own; CI calls make itself",
    r"^python docs/": "writes a page from hours of training",
    r"^distaff demo": "trains for minutes; the recipes are trained below, cut short",
    r"^distaff data (fetch|check)": "needs the network or the real files; see test_official_files",
    r"^distaff study \S+ --budget (quick|full)": "trains for half an hour; see tests/studies",
    r"^distaff audit": "takes eleven minutes; see tests/audit",
    r"RECIPE|0123abcd|/new/place": "names a place that only its reader has",
}
SHORT = "--training.steps 2 --training.epochs None --training.validate-every 2 --runs scratch"
FEW = "--training.validation-images 64 --training.training-images 0 --training.patience None"
PAGES = [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]
BLOCKS = [
    block
    for page in PAGES
    if page.name != "extend.md" and not page.name.endswith(".template.md")
    for block in blocks_of(page)
]


def commands_of(block: Block) -> list[str]:
    """The command lines of a block, without remarks, continued lines joined."""
    lines = block.code.replace("\\\n", " ").split("\n")
    bare = [re.sub(r"\s+#.*$", "", line).strip() for line in lines]
    return [line for line in bare if re.match(r"(distaff|make|python) ", line)]


COMMANDS = list(dict.fromkeys(line for block in BLOCKS for line in commands_of(block)))
PYTHON = [block for block in BLOCKS if block.language == "python"]

pytestmark = pytest.mark.slow


def briefly(line: str) -> list[str]:
    """The words of a command; a training takes two steps, in a folder of its own."""
    words = shlex.split(line)[1:]
    if words[0] != "train":
        return words
    return [*words, *SHORT.split(), *FEW.split()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages speak of: some runs, codes, pictures."""
    folder = tmp_path_factory.mktemp("pages")
    generator = np.random.default_rng(0)
    factors = generator.integers(0, 3, (300, 3))
    np.save(folder / "codes.npy", np.hstack([factors, generator.normal(size=(300, 5))]))
    np.savetxt(folder / "factors.csv", factors, "%d", ",", header="a,b,c", comments="")
    images = generator.integers(0, 256, (300, 28, 28), dtype=np.uint8)
    np.savez(folder / "mine.npz", images=images, factors=factors)
    for person in ("s1", "s2"):
        (folder / "faces" / person).mkdir(parents=True)
        for number in range(510):
            picture = generator.integers(0, 256, (64, 64), dtype=np.uint8)
            Image.fromarray(picture).save(folder / "faces" / person / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def trained(place: Path) -> Path:
    """The same with short runs of the recipes that the pages evaluate."""
    runs = str(place / "runs")
    short = ["--training.steps", "20", "--training.validate-every", "20", *FEW.split()]
    faces = ["--data", "folder", "--data.path", str(place / "faces"), "--data.size", "64"]
    faces += ["--data.channels", "grey", "--data.folder-factor", "person"]
    for words in (
        ["demo", "--seeds", "0", "1", "--data.continuous", "3000"],
        ["mnist-vae", "--training.epochs", "None"],
        ["mnist-vae", "--training.epochs", "None", "--seeds", "1"],
        ["mnist-conditional-vae", "--training.epochs", "None"],
        ["mnist-vae", "--name", "faces", *faces, "--training.epochs", "None"],
    ):
        assert main(["train", *words, *short, "--runs", runs]) == 0
    return place


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_runs_as_the_page_says(
    line: str, trained: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    reasons = [reason for pattern, reason in NOT_RUN.items() if re.search(pattern, line)]
    if reasons:
        pytest.skip(reasons[0])
    if "mnist" in line or "fashion" in line or "dsprites" in line:
        request.getfixturevalue("real_data")("mnist/train-images-idx3-ubyte.gz")
    monkeypatch.chdir(trained)
    assert main(briefly(line)) == 0


@pytest.mark.parametrize("block", PYTHON, ids=lambda b: f"{b.page.name}-{b.line}")
def test_a_block_of_python_runs(
    block: Block, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "Path(" in block.code:
        pytest.skip("names a place that only its reader has")
    monkeypatch.chdir(trained)
    sprites = torch.rand(4, 1, 32, 32)
    given = {
        "codes": np.load("codes.npy"),
        "factors": np.loadtxt("factors.csv", delimiter=",", skiprows=1).astype(int),
        "pictures": sprites,
        "images": sprites,
    }
    # the demo has two seeds here, and a page loads one
    code = block.code.replace('"runs/demo"', f'"{next(Path("runs/demo").glob("*/seed-0"))}"')
    exec(compile(code, f"{block.page.name}:{block.line}", "exec"), given)
