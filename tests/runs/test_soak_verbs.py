"""What measures, draws and reports, killed at random and done again: nothing is lost or left over.

`make soak` kills oftener; DISTAFF_SOAK_KILLS says how often.
"""

import multiprocessing
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from distaff.cli import main
from distaff.data import Circles
from distaff.experiment import FIGURES_OF_A_RUN, Experiment
from distaff.figures.house_style import figure_of_height
from distaff.models import BetaVAE
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.runs import Run, find_runs
from distaff.studies import Study, StudyContext, run_study
from distaff.train import train
from distaff.training import Training

pytestmark = pytest.mark.slow
KILLS = max(2, int(os.environ.get("DISTAFF_SOAK_KILLS", "30")) // 12)
LONGEST_LIFE = 4.0
EXPERIMENT = Experiment(
    name="verbs",
    data=Circles.Config(size=16, positions=20, shape_sizes=(4,)),
    model=BetaVAE.Config(
        latents=3,
        encoder=DenseEncoder.Config(hidden=(8,)),
        decoder=DenseDecoder.Config(hidden=(8,)),
    ),
    training=Training(steps=20, batch_size=16, validate_every=10, device="cpu"),
    metrics=("mutual-information-gap", "factor-vae-score"),
)


class Drawn(Study):
    """A study of one training and one figure."""

    name, title, estimates = "drawn", "A figure", {}
    source = Path()

    @property
    def experiments(self) -> Any:
        return {"one": EXPERIMENT}

    @property
    def tasks(self) -> Any:
        return {"draw": self.draw, "again": self.draw}

    def draw(self, context: StudyContext) -> dict[str, int]:
        figure = figure_of_height(2)
        figure.subplots().plot([0, 1])
        for number in range(4):
            context.draw(f"figure-{number}", figure, "A line.")
        return {"lines": 1}


def verb_here(words: list[str], begun: Any) -> None:
    begun.send("now")
    raise SystemExit(main(words))


def study_here(runs: Path, source: Path, begun: Any) -> None:
    begun.send("now")
    Drawn.source = source
    run_study(Drawn("smoke"), runs)


@pytest.fixture(scope="module")
def start() -> Any:
    """Returns a function that calls another in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["distaff.cli", "distaff.report", "distaff.studies"])

    def start_one(function: Any, *arguments: Any) -> Any:
        begun, ours = context.Pipe(duplex=False)
        process = context.Process(target=function, args=(*arguments, ours))
        process.start()
        ours.close()
        begun.poll(60)
        return process

    return start_one


def killed_and_done(start: Any, times: random.Random, *arguments: Any) -> None:
    for _ in range(KILLS):
        process = start(*arguments)
        process.join(times.uniform(0, LONGEST_LIFE))
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
    process = start(*arguments)
    process.join()
    assert process.exitcode == 0


def nothing_is_left_over(folder: Path) -> None:
    assert not list(folder.rglob(".distaff-*"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return train(EXPERIMENT, tmp_path)[0]


@pytest.mark.parametrize("verb", ["evaluate", "illustrate", "report"])
def test_a_verb_that_was_killed_is_done_as_if_it_had_not_been(
    start: Any, run: Run, verb: str
) -> None:
    killed_and_done(start, random.Random(verb), verb_here, [verb, str(run.folder)])
    nothing_is_left_over(run.folder)
    if verb != "illustrate":
        assert set(run.scores) == {"mutual-information-gap", "factor-vae-score"}
    if verb != "evaluate":
        for name in FIGURES_OF_A_RUN:
            with Image.open(run.figures_folder / f"{name}.png") as picture:
                picture.load()
            assert (run.figures_folder / f"{name}.pdf").read_bytes().rstrip().endswith(b"%%EOF")
    if verb == "report":
        page = (run.folder / "report.html").read_text("utf-8")
        assert page.count("data:image/png") >= len(FIGURES_OF_A_RUN)


def test_a_report_after_a_killed_illustrate_has_all_figures(run: Run) -> None:
    assert main(["illustrate", str(run.folder), "--figures", "samples"]) == 0
    (run.figures_folder / "samples.pdf").unlink()
    assert main(["report", str(run.folder)]) == 0
    assert (run.figures_folder / "samples.pdf").is_file()
    assert (run.folder / "report.html").read_text("utf-8").count("data:image/png") >= 6


def test_a_study_that_was_killed_is_done_and_a_deleted_figure_made_again(
    start: Any, tmp_path: Path
) -> None:
    source = tmp_path / "report.typ"
    source.write_text('= A figure\n#image("figure-0.png")\n')
    runs = tmp_path / "runs"
    killed_and_done(start, random.Random(3), study_here, runs, source)
    nothing_is_left_over(runs)
    folder = runs / "studies" / "drawn" / "smoke"
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    (folder / "figure-2.pdf").unlink()
    process = start(study_here, runs, source)
    process.join()
    assert process.exitcode == 0
    assert (folder / "figure-2.pdf").is_file()
    (run,) = find_runs(runs / "studies")
    assert run.experiment == EXPERIMENT
