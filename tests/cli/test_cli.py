import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distaff.cli import main

SMALL = [
    *("--data.size", "16", "--data.scales", "5"),
    *("--data.positions-x", "16", "--data.positions-y", "16", "--data.continuous", "0"),
    *("--model.encoder", "dense", "--model.decoder", "dense"),
    *("--model.encoder.hidden", "8", "--model.decoder.hidden", "8"),
    *("--training.steps", "20", "--training.validate-every", "10", "--training.log-every", "5"),
]


@pytest.fixture
def trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["train", "demo", *SMALL, "--runs", str(tmp_path), "--seeds", "0", "1"]) == 0
    capsys.readouterr()
    return tmp_path


def failing(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    try:
        code = main(words)
    except SystemExit as stop:
        code = stop.code  # type: ignore[assignment]
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    return code, captured.err


def test_a_run_is_trained_measured_drawn_compared_and_reported(
    trained: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = str(trained)
    assert main(["evaluate", runs, "--json", "--images", "500"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert len(scores) == 2
    score = next(iter(scores.values()))["mutual-information-gap"]
    assert score["interval"][0] <= score["value"] <= score["interval"][1]
    assert {"scale", "posX", "posY"} <= set(score["parts"])

    assert main(["illustrate", runs, "--json"]) == 0
    pictures = json.loads(capsys.readouterr().out)
    assert len(pictures) == 2 * 6

    assert main(["compare", runs, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["seeds"] for row in rows} == {2}

    assert main(["report", runs, "--json"]) == 0
    for path in json.loads(capsys.readouterr().out):
        page = Path(path).read_text("utf-8")
        assert (
            page.count("data:image/png;base64,") == 6
        )  # five figures, and the matrix that the score reads
        assert "relation of mutual-information-gap" in page
        assert "distaff train experiment.json --seeds" in page
        assert not re.search(r'(src|href)="(?!data:|#)', page)

    for verb in (["evaluate", runs, "--images", "500"], ["compare", runs], ["report", runs]):
        assert main(verb) == 0
        assert capsys.readouterr().out


def test_a_conditional_run_is_trained_on_a_named_factor_measured_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--model", "conditional-vae", "--model.factor", "scale", "--runs", str(tmp_path)]
    assert main(["train", "demo", *words, *SMALL]) == 0
    assert main(["evaluate", str(tmp_path), "--images", "500"]) == 0
    assert main(["illustrate", str(tmp_path)]) == 0
    assert main(["report", str(tmp_path)]) == 0
    (run,) = tmp_path.glob("demo/*/seed-0")
    assert len(list((run / "figures").glob("*.png"))) == 6
    capsys.readouterr()
    code, said = failing(
        capsys, "train", "demo", *SMALL, *words[:3], "digit", "--runs", str(tmp_path / "none")
    )
    assert (code, "no factor digit in this data set; it has" in said) == (2, True)


def test_an_experiment_file_trains_the_same_run_again(
    trained: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = next(trained.glob("demo/*/seed-1/experiment.json"))
    assert main(["train", str(first), "--runs", str(tmp_path / "again"), "--seeds", "1"]) == 0
    second = next((tmp_path / "again").glob("demo/*/seed-1"))
    model = "model.safetensors"
    assert (second / model).read_bytes() == (first.parent / model).read_bytes()
    capsys.readouterr()


def test_kinds_can_be_changed_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = SMALL[: SMALL.index("--model.decoder")] + SMALL[-6:]
    words = [
        "--model.encoder.hidden",
        "8",
        "--model",
        "beta-vae",
        "--model.decoder",
        "convolutional",
        "--model.decoder.widths",
        "4",
    ]
    assert main(["train", "demo", *small, *words, "--runs", str(tmp_path), "--json"]) == 0
    folder = json.loads(capsys.readouterr().out)[0]
    model = json.loads(Path(folder, "experiment.json").read_text())["experiment"]["model"]
    assert model["kind"] == "beta-vae"
    assert model["decoder"]["kind"] == "convolutional"
    assert model["decoder"]["widths"] == [4]
    assert model["encoder"] == {"kind": "dense", "hidden": [8], "activation": "relu"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["tran"], 2, "unknown command 'tran': did you mean 'train'?"),
        (["train", "dmeo"], 2, "unknown recipe 'dmeo': did you mean 'demo'?"),
        (["train", "demo", "--model", "bvae"], 2, "unknown model 'bvae'"),
        (["train", "demo", "--model.decoder"], 2, "--model.decoder needs a name"),
        (["train", "demo", "--training.steps", "-5"], 2, "steps is -5; it must be at least 1"),
        (["train", "demo", "--training.steps", "many"], 2, "many"),
        (["train", "demo", "--metrics", "gap"], 2, "unknown metric 'gap'"),
        (["train", "demo", "--training.stesp", "5"], 2, "--training.steps"),
        (["train", "demo", "--training.device", "tpu"], 2, "no device 'tpu'"),
        (["train", "nothing.json"], 1, "no nothing.json"),
        (["evaluate", "nowhere"], 1, "no folder nowhere"),
        (["evaluate", "."], 1, "no run in ."),
        (["report", "nowhere"], 1, "no folder nowhere"),
        (["compare"], 2, "no folder given"),
        (["list", "nothing"], 2, "nothing"),
        (["metrics", "explain", "mccc"], 2, "unknown metric 'mccc': did you mean 'mcc'?"),
        (["data", "fetsh"], 2, "unknown command 'fetsh': did you mean 'fetch'?"),
        (["data", "fetch"], 2, "no data set given"),
        (["data", "fetch", "minst"], 2, "unknown data set 'minst': did you mean 'mnist'?"),
        (["data", "check", "minst"], 2, "did you mean 'mnist'?"),
        (["data", "path", "sprites"], 2, "sprites has no official file"),
        (["list", "runs", "--runs", "nowhere"], 1, "no folder nowhere"),
    ],
)
def test_bad_input_gets_one_sentence(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: Any,
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found, said = failing(capsys, *words)
    assert found == code
    assert message in " ".join(said.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_missing_data_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DISTAFF_DATA", str(tmp_path / "data"))
    code, said = failing(capsys, "train", "mnist-vae", "--runs", str(tmp_path / "runs"))
    assert code == 1
    assert str(tmp_path / "data" / "mnist") in said
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_to_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "runs").write_text("a file")
    code, said = failing(capsys, "train", "demo", *SMALL, "--runs", str(tmp_path / "runs"))
    assert code == 1
    assert "cannot write" in said


def test_an_unknown_metric_or_figure_of_a_run_is_refused(
    trained: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = failing(capsys, "evaluate", str(trained), "--metrics", "mutual-gap")
    assert (code, "did you mean 'mutual-information-gap'?" in said) == (2, True)
    code, said = failing(capsys, "illustrate", str(trained), "--figures", "traversal")
    assert (code, "did you mean 'traversals'?" in said) == (2, True)


def test_too_few_images_for_a_score_are_refused(
    trained: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = failing(capsys, "evaluate", str(trained), "--images", "-5")
    assert (code, "images is -5; it must be above 0" in said) == (2, True)
    code, said = failing(capsys, "evaluate", str(trained), "--images", "10")
    assert code == 2
    assert "at least 100 rows" in said


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(Exception, match="no folder nowhere"):
        main(["evaluate", "nowhere", "--debug"])


@pytest.mark.parametrize("what", ["models", "data", "metrics", "recipes", "figures", "nets"])
def test_every_list_names_and_describes(capsys: pytest.CaptureFixture[str], what: str) -> None:
    assert main(["list", what, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)[what]
    assert listed
    assert all(listed.values())


def test_runs_are_listed_with_their_state(trained: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "runs", "--runs", str(trained), "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["runs"].values()) == ["finished"] * 2


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["demo", "--help"],
        ["train", "--help"],
        ["train", "mnist-vae", "--help"],
        ["evaluate", "--help"],
        ["illustrate", "--help"],
        ["compare", "--help"],
        ["report", "--help"],
        ["list", "--help"],
        ["data", "--help"],
        ["data", "list", "--help"],
        ["data", "fetch", "--help"],
        ["data", "check", "--help"],
        ["data", "path", "--help"],
        ["metrics", "--help"],
        ["metrics", "explain", "--help"],
    ],
)
def test_help_is_there(capsys: pytest.CaptureFixture[str], words: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 0
    written = capsys.readouterr().out
    assert "usage:" in written
    assert words == ["--help"] or words[1] == "mnist-vae" or "distaff" in written


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from distaff.cli import main\n"
        "try: main(['--help'])\n"
        "finally: print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stdout.strip().endswith("False False")


def test_ctrl_c_saves_says_how_to_go_on_and_goes_on(tmp_path: Path) -> None:
    """The whole way through the installed command: interrupted + resumed = uninterrupted."""
    command = [sys.executable, "-m", "distaff", "train", "demo", *SMALL, "--training.steps", "400"]
    broken = subprocess.Popen(
        [*command, "--runs", str(tmp_path / "broken")], stderr=subprocess.PIPE, text=True
    )
    log = tmp_path / "broken"
    deadline = time.monotonic() + 120
    while not [p for p in log.glob("demo/*/seed-0/train.jsonl") if p.stat().st_size]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    broken.send_signal(2)
    _, said = broken.communicate()
    assert broken.returncode == 130
    assert re.search(r"stopped at step \d+ of 400; .*--resume", said)
    for folder, flags in (("broken", ["--resume"]), ("whole", [])):
        subprocess.run([*command, "--runs", str(tmp_path / folder), *flags], check=True)
    models = [p.read_bytes() for p in sorted(tmp_path.glob("*/demo/*/seed-0/model.safetensors"))]
    assert len(models) == 2
    assert models[0] == models[1]


def test_an_audit_leaves_figure_and_entries_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["audit", "--metrics", "mutual-information-gap", "--rows", "300", "--parts", "codes"]
    assert main([*words, "--out", str(tmp_path), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content == json.loads((tmp_path / "metric-audit.json").read_text())
    assert {entry["mode"] for entry in content["codes"]} == {"default", "disentanglement_lib"}
    assert (tmp_path / "metric-audit.png").stat().st_size > 10_000
    assert (tmp_path / "metric-audit.pdf").read_bytes().startswith(b"%PDF")
    code, said = failing(capsys, *words, "--rows", "10", "--out", str(tmp_path))
    assert (code, "at least 300" in said) == (2, True)


def test_the_files_of_a_data_set_are_listed_fetched_and_checked(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    real_data: Callable[[str], Path],
) -> None:
    source = real_data("mnist/t10k-labels-idx1-ubyte.gz").parent
    monkeypatch.setenv("DISTAFF_DATA", str(tmp_path))

    def said(*words: str, code: int = 0) -> Any:
        assert main(["data", *words, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    assert said("list")["mnist"] == "0 of 4 official files"
    assert said("list")["sprites"] == "no official file"
    assert said("path") == str(tmp_path)
    assert said("path", "mnist") == str(tmp_path / "mnist")
    assert "DISTAFF_OFFLINE" in failing(capsys, "data", "fetch", "mnist")[1]
    missing = said("check", "mnist", code=1)
    assert all("missing" in file["fault"] for file in missing)

    shutil.copytree(source, tmp_path / "mnist")
    assert said("list")["mnist"] == "4 of 4 official files"
    paths = said("fetch", "mnist", "sprites")
    assert paths == [file["path"] for file in missing]
    assert [file["fault"] for file in said("check", "mnist")] == [None] * 4
    assert main(["data", "check", "mnist"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{path}: whole" for path in paths]

    Path(paths[1]).chmod(0o644)
    Path(paths[1]).write_bytes(b"cut")
    faults = [file["fault"] for file in said("check", "mnist", code=1)]
    assert [bool(fault) for fault in faults] == [False, True, False, False]
    code, error = failing(capsys, "data", "check", "mnist")
    assert (code, "1 of 4 official files of mnist missing or wrong" in error) == (1, True)


def test_a_drawn_data_set_needs_no_download(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "fetch", "sprites"]) == 0
    assert capsys.readouterr().out == "nothing to download\n"
    assert main(["data", "check", "sprites"]) == 0


def test_a_finished_run_needs_no_data(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    real_data: Callable[[str], Path],
) -> None:
    real_data("mnist/t10k-labels-idx1-ubyte.gz")
    small = SMALL[SMALL.index("--model.encoder") :]
    words = ["train", "demo", "--data", "mnist", *small, "--runs", str(tmp_path / "runs")]
    assert main(words) == 0
    monkeypatch.setenv("DISTAFF_DATA", str(tmp_path / "empty"))
    assert main(words) == 0
    assert main([*words, "--seeds", "1"]) == 1
    assert "DISTAFF_OFFLINE" in capsys.readouterr().err
