"""Each study from end to end at its smallest budget, on the real data."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader

from distaff.cli import main
from distaff.studies import STUDIES, run_study, study_folder

MNIST = "mnist/train-images-idx3-ubyte.gz"
NEEDS = {"mnist-likelihoods": MNIST, "mnist-conditional": MNIST}


def bare(text: str) -> str:
    """Text without spaces and hyphens, which a line break adds or takes away."""
    return re.sub(r"[\s\u00ad\u2010-]", "", text)


def text_of(path: Path) -> str:
    return bare("".join(page.extract_text() for page in PdfReader(path).pages))


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_goes_from_data_to_report(
    name: str, real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    if name in NEEDS:
        real_data(NEEDS[name])
    study = STUDIES[name]("smoke")
    folder = run_study(study, tmp_path)
    page = (folder / "report.html").read_text()
    results = json.loads((folder / "results.json").read_text())
    captions, printed = results["captions"], text_of(folder / "report.pdf")
    assert captions
    assert "Budget smoke: a few steps" in page
    pages = PdfReader(folder / "report.pdf").pages
    assert all("Budgetsmoke" in bare(each.extract_text()) for each in pages)
    for training in results["trainings"].values():
        assert str(training["parameters"]) in printed
    for deliverable in captions:
        assert (folder / f"{deliverable}.pdf").is_file()
        assert (folder / f"{deliverable}.png").is_file()
        assert f"{deliverable}.pdf" in page, "a deliverable that the page does not show"
        assert bare(f"{deliverable}.pdf") in printed, "a deliverable that the PDF does not show"


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("budget", ["smoke", "quick", "full"])
def test_the_plan_of_every_budget_can_be_shown(
    name: str, budget: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["study", name, "--budget", budget, "--plan", "--runs", str(tmp_path), "--json"]
    assert main(words) == 0
    steps = json.loads(capsys.readouterr().out)
    assert {step["what"] for step in steps} == {"training", "task"}
    assert not any(step["finished"] for step in steps)
    assert budget == "smoke" or sum(step["seconds"] for step in steps) > 0


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_says_where_it_comes_from(name: str) -> None:
    assert "Reference:" in STUDIES[name].__doc__  # type: ignore[operator]
    folder = study_folder(Path("runs"), STUDIES[name]("smoke"))
    assert folder == Path("runs") / "studies" / name / "smoke"


def test_studies_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "list"]) == 0
    assert "mnist-likelihoods" in capsys.readouterr().out


def test_an_unknown_study_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "mnist-likelihood"]) == 2
    assert "did you mean 'mnist-likelihoods'" in capsys.readouterr().err
