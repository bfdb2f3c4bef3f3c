"""Names that a terminal, a figure or a page would take for something else than a name."""

import html
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distaff.cli import main
from distaff.cli.progress import StudyProgress
from distaff.cli.terminal import STDERR
from distaff.text import printable

HOSTILE = (
    "length [mm]",
    "rate [/s]",
    "t :clock1:",
    "$\\frac{$",
    "<script>alert(1)</script>",
    "a\x1b[2Jb",
    "\u202eevil",
    "#set page(1pt)",
    "{{ 7 * 7 }}",
)
ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
NAME = "[red]x[bold] $\\frac{$ :smile:"
TRAINING = ("--training.steps", "2", "--training.validate-every", "1", "--training.device", "cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose name, folder and factors are hostile."""
    folder = tmp_path_factory.mktemp("a [b] :smile:")
    generator = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    rows = ["file," + ",".join(f'"{name}"' for name in HOSTILE)]
    for index in range(1_100):
        pixels = generator.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{index:04}.png")
        values = generator.integers(0, 3, len(HOSTILE))
        rows.append(f"{index:04}.png," + ",".join(map(str, values)))
    (folder / "factors.csv").write_text("\n".join(rows), encoding="utf-8")
    words = ["train", "demo", "--name", NAME, "--model=vae", "--data", "folder"]
    words += ["--data.path", str(folder / "pictures"), "--data.size", "8"]
    words += ["--data.channels", "grey", "--data.factors", str(folder / "factors.csv")]
    words += ["--model.encoder=dense", "--model.decoder=dense", "--model.latents", "3"]
    words += ["--metrics", "mutual-information-gap", "--runs", str(folder / "runs"), *TRAINING]
    assert main(words) == 0
    assert main(["evaluate", str(folder / "runs")]) == 0
    return folder / "runs"


@pytest.mark.parametrize("verb", ["evaluate", "illustrate", "report", "compare", "list"])
def test_every_verb_shows_names_as_they_are(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    words = ["list", "runs", "--runs", str(run)] if verb == "list" else [verb, str(run)]
    words += ["--details"] if verb == "compare" else []
    assert main(words) == 0
    said = "".join(capsys.readouterr())
    assert not ACTING.search(said)
    assert NAME in said
    if verb in ("evaluate", "compare"):
        for name in HOSTILE:
            assert printable(name) in said
    if verb == "report":
        (page,) = run.rglob("report.html")
        text = page.read_text("utf-8")
        assert not ACTING.search(text)
        assert "<script>alert" not in text
        for name in HOSTILE:
            assert html.escape(printable(name), quote=False) in html.unescape(text).replace(
                "<script>", "&lt;script&gt;"
            ).replace("</script>", "&lt;/script&gt;")


def test_json_has_the_names_themselves(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run), "--json"]) == 0
    (scores,) = json.loads(capsys.readouterr().out).values()
    assert set(HOSTILE) <= set(scores["mutual-information-gap"]["parts"])


@pytest.mark.parametrize("name", HOSTILE)
def test_an_error_is_one_line_of_plain_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    for words in (["evaluate", f"{tmp_path}/{name}"], ["train", name], ["study", name]):
        assert main(words) in (1, 2)
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("distaff: ")
        assert not ACTING.search(line)


def test_a_sentence_has_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "x" * 100_000]) == 1
    assert len(capsys.readouterr().err) < 2_000


def run_piped(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=os.environ | {"PY": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )


SMALL = "--model.encoder dense --model.decoder dense --data.size 16 " + " ".join(TRAINING)


def test_a_training_goes_on_when_nobody_reads_it(tmp_path: Path) -> None:
    done = run_piped(
        f"$PY -m distaff train demo {SMALL} --training.steps 300 --training.log-every 1 "
        f"--runs r 2>&1 | head -1",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("r/demo/*/seed-0/model.safetensors"))


def test_a_list_of_which_the_head_is_read_is_no_error(tmp_path: Path) -> None:
    done = run_piped("$PY -m distaff list | head -1", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_training_outlives_its_terminal(tmp_path: Path) -> None:
    words = f"{SMALL} --training.steps 200 --runs r".split()
    process = subprocess.Popen(
        [sys.executable, "-m", "distaff", "train", "demo", *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stderr
    process.stderr.readline()
    process.send_signal(signal.SIGHUP)
    process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("width", [46, 80])
def test_the_bar_keeps_its_cells_percent_and_time(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STDERR, "_force_terminal", True)
    monkeypatch.setattr(STDERR, "_width", width)
    with StudyProgress() as progress:
        progress.training("a name that is longer than half a line", 3, 15)
        progress._begin("a name that is longer than half a line", 2_000, rate="123456 steps/s")
        progress._bar.terms = "validation: " + "reconstruction 312.3 " * 9
        progress._bar.update(progress._task, completed=712)
        progress._bar.refresh()
    lines = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", capsys.readouterr().err).splitlines()
    bar = next(line for line in lines if "36%" in line)
    assert len(re.findall("[━╸╺]", bar)) == 10 or len(re.findall("[━╸╺ ]", bar)) >= 10
    assert re.search(r"(-|\d):(--|\d\d):(--|\d\d)", bar)
    assert max(map(len, lines)) <= width
