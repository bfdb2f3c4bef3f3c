"""What the command line says of a person's own data, good and bad."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distaff.cli import main

SMALL = ["--training.steps", "2", "--training.batch-size", "4", "--training.validate-every", "1"]
NETS = ["--model.encoder.hidden", "8", "--model.decoder.hidden", "8"]


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for place in range(6):
        path = tmp_path / "pictures" / f"{'ab'[place % 2]}" / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    return tmp_path / "pictures"


def train(kind: Any, path: Any, *flags: Any) -> Any:
    data = ["--data", kind, "--data.path", path, *flags]
    return main(["train", "demo", *data, *SMALL, *NETS, "--runs", "runs", "--json"])


def broken(name: Any, content: Any) -> Any:
    def make(pictures: Any) -> None:
        (pictures / name).write_bytes(content)

    return make


def saved(name: Any, **arrays: Any) -> Any:
    return lambda pictures: np.savez(pictures.parent / name, **arrays)


def resized(pictures: Any) -> None:
    Image.new("RGB", (9, 8)).save(pictures / "a" / "0.png")


def table(rows: Any) -> Any:
    lines = ["file,age", *(f"{'ab'[place % 2]}/{place}.png,{place}" for place in range(rows))]
    return lambda pictures: (pictures.parent / "factors.csv").write_text("\n".join(lines))


def emptied(pictures: Any) -> None:
    shutil.rmtree(pictures)
    pictures.mkdir()


FOLDER = ("folder", "pictures", "--data.size", "8")
ARRAYS = ("arrays", "set.npz")
TABLE = (*FOLDER, "--data.factors", "factors.csv")
GREY = np.full((6, 8, 8), 0.5)


@pytest.mark.parametrize(
    ("spoil", "words", "message"),
    [
        (shutil.rmtree, FOLDER, "no folder"),
        (emptied, FOLDER, "no picture in"),
        (broken("a/0.png", b""), FOLDER, "a/0.png is not a readable picture"),
        (broken("a/0.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), FOLDER, "is not a readable picture"),
        (broken("a/0.png", b"<html>"), FOLDER, "is not a readable picture"),
        (resized, (*FOLDER, "--data.resize", "refuse"), "is 8 x 9 pixels and size is 8 x 8"),
        (table(5), TABLE, "5 rows for 6 pictures"),
        (broken("../factors.csv", b"\xff"), TABLE, "is not UTF-8"),
        (emptied, ARRAYS, "no file"),
        (broken("../set.npz", b""), ARRAYS, "not a readable .npz"),
        (broken("../set.npz", b"PK\x03\x04"), ARRAYS, "not a readable .npz"),
        (broken("../set.npz", b"GIF89a"), ARRAYS, "not a readable .npz"),
        (saved("set.npz", images=GREY * np.nan), ARRAYS, "values from nan to nan"),
        (saved("set.npz", images=GREY, factors=np.ones((5, 1), int)), ARRAYS, "6 rows"),
        (emptied, ("folder", ""), "give its path"),
    ],
)
def test_bad_data_gives_one_sentence_and_no_run(
    pictures: Any, capsys: pytest.CaptureFixture[str], spoil: Any, words: Any, message: str
) -> None:
    spoil(pictures)
    assert train(*words) in (1, 2)
    said = capsys.readouterr()
    (line,) = said.err.strip().splitlines()
    assert line.startswith("distaff: ")
    assert message in line
    assert not said.out
    assert not (pictures.parent / "runs").exists()


def test_a_run_finds_its_pictures_from_any_folder(
    pictures: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--data.folder-factor", "person", "--data.test-share", "0.5")
    assert train(*FOLDER, *words) == 0
    (run,) = json.loads(capsys.readouterr().out)
    run = str(pictures.parent / run)
    (pictures.parent / "elsewhere").mkdir()
    monkeypatch.chdir(pictures.parent / "elsewhere")
    assert main(["illustrate", run, "--json"]) == 0
    assert any("relation-matrix" in path for path in json.loads(capsys.readouterr().out))
    shutil.rmtree(pictures)
    assert main(["illustrate", run]) == 1
    assert f"no folder {pictures}; give one of pictures" in capsys.readouterr().err


@pytest.mark.usefixtures("pictures")
def test_a_run_of_images_without_factors_is_drawn_without_their_relation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.savez("set.npz", images=GREY)
    assert train(*ARRAYS) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert main(["illustrate", run, "--json"]) == 0
    drawn = json.loads(capsys.readouterr().out)
    assert len(drawn) == 5
    assert not any("relation-matrix" in path for path in drawn)


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("own", [(), ("--metrics", "wasserstein-correlation")])
def test_a_run_of_images_without_factors_has_the_scores_of_its_latents(
    capsys: pytest.CaptureFixture[str], own: Any
) -> None:
    np.savez(
        "set.npz", images=np.random.default_rng(0).integers(256, size=(1500, 16, 16), dtype="uint8")
    )
    assert train(*ARRAYS, *own) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert main(["evaluate", run, "--images", "120"]) == 0
    scores = json.loads((Path(run) / "scores.json").read_text())
    every = {"gaussian-total-correlation", "wasserstein-correlation", "pairwise-mutual-information"}
    assert scores.keys() == (set(own[1:]) or every | {"factorized-support"})


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("words", [FOLDER, (*FOLDER, "--data.folder-factor", "person")])
def test_a_run_of_few_images_or_without_factors_gets_a_report_without_scores(
    capsys: pytest.CaptureFixture[str], words: Any
) -> None:
    assert train(*words) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert main(["report", run]) == 0
    assert "report.html" in capsys.readouterr().out
    assert not (Path(run) / "scores.json").exists()
