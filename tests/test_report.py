"""What stands in the page of a run, against the files of the run."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from distaff.errors import RunError
from distaff.evaluate import evaluate
from distaff.experiment import Experiment
from distaff.illustrate import illustrate
from distaff.report import report
from distaff.runs import Run
from distaff.train import train

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Reads a page; refuses tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words = ""
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        self.links += [v for k, v in attrs if k in ("href", "src") and v]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data


@pytest.fixture
def run(small_experiment: Experiment, tmp_path: Path) -> Run:
    grid = replace(small_experiment.data, positions_x=16, positions_y=16)  # type: ignore[call-arg]
    (trained,) = train(replace(small_experiment, data=grid), tmp_path)
    evaluate(trained, ["mutual-information-gap", "sap"])
    illustrate(trained)
    return trained


def test_the_page_holds_every_score_as_it_stands_in_the_file(run: Run) -> None:
    page = Page(report(run).read_text("utf-8"))
    scores = json.loads((run.folder / "scores.json").read_text())
    assert set(scores) == {"mutual-information-gap", "sap"}
    for name, score in scores.items():
        assert name in page.words
        for number in (score["value"], *score["interval"], score["chance"], score["ceiling"]):
            assert f"{number:.3f}" in page.words


def test_the_figures_stand_in_the_order_of_the_experiment_and_inside_the_page(run: Run) -> None:
    page = Page(report(run).read_text("utf-8"))
    names = [image["alt"] for image in page.images]
    shown = [name for name in names if name in run.experiment.figures]
    # the matrices that scores were read from are there already
    assert shown == [name for name in run.experiment.figures if name != "relation-matrix"]
    assert {"#scores", "#relations", "#figures", "#settings"} <= set(page.links)
    assert all(link.startswith(("data:", "#")) for link in page.links)


def test_every_setting_of_the_experiment_can_be_read(run: Run) -> None:
    text = report(run).read_text("utf-8")
    rows = re.findall(r"<td>([^<]*)</td><td class=\"number\">([^<]*)</td>", text)
    assert {
        ("model", "beta-vae"),
        ("model.latents", "3"),
        ("training.steps", "20"),
        ("data.size", "16"),
        ("derived: beta", "4"),
    } <= set(rows)


def test_the_terms_and_objectives_of_the_last_validation_can_be_read(run: Run) -> None:
    text = report(run).read_text("utf-8")
    rows = dict(re.findall(r"<td>([^<]*)</td><td class=\"number\">([^<]*)</td>", text))
    (*_, last) = [line for line in run.log if line["split"] == "validation"]
    for name in ("reconstruction", "kl", "objective"):
        assert rows[name] == f"{last[name]:.4g}"


def test_scores_of_other_parameters_are_named_and_not_shown(run: Run) -> None:
    path = run.folder / "scores.json"
    scores = json.loads(path.read_text())
    scores["sap"]["origin"]["parameters"] = "00000000"
    path.write_text(json.dumps(scores))
    page = Page(report(Run(run.folder)).read_text("utf-8"))
    assert f"{scores['sap']['chance']:.3f}" not in page.words
    assert "sap" in page.words  # as one that is out of date


def test_an_unfinished_run_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not finished; train it first"):
        report(Run(tmp_path))
