"""What can be wrong with a run, or with what is asked of it, through the command line.

Whatever it is, there is one sentence and no traceback; the exit code is 2 for what was asked
wrongly and 1 for what went wrong.
"""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import distaff
from distaff.cli import main
from distaff.errors import RunError
from distaff.models import AnnealedVAE
from distaff.runs import Run
from distaff.runs.checkpoints import BEFORE, NEWEST
from distaff.runs.lock import locked
from distaff.runs.manifest import read_experiment
from distaff.train import train

SMALL = [
    *("--data.size", "16", "--data.scales", "5"),
    *("--data.positions-x", "16", "--data.positions-y", "16", "--data.continuous", "0"),
    *("--model.encoder", "dense", "--model.decoder", "dense"),
    *("--model.encoder.hidden", "8", "--model.decoder.hidden", "8"),
    *("--training.steps", "20", "--training.validate-every", "10", "--training.log-every", "5"),
    *("--model.annealing-steps", "20"),
    *("--training.device", "cpu"),
]


@pytest.fixture(scope="module")
def original(tmp_path_factory: Any) -> Path:
    """A folder with a run that was trained and measured."""
    folder = tmp_path_factory.mktemp("original")
    assert main(["train", "demo", *SMALL, "--runs", str(folder)]) == 0
    assert main(["evaluate", str(folder), "--images", "200"]) == 0
    next(folder.glob("demo/*/seed-0/model.safetensors")).with_name("figures").mkdir()
    return folder  # type: ignore[no-any-return]


@pytest.fixture
def runs(original: Any, tmp_path: Path) -> Path:
    """The same, to do with as one likes."""
    shutil.copytree(original, tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def run(runs: Any) -> Path:
    return next(runs.glob("demo/*/seed-0"))  # type: ignore[no-any-return]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Any:
    """Returns a function that gives exit code and sentence of a command that is refused."""

    def refuse(*words: object) -> tuple[int, str]:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:  # from the parser of flags
            code = stop.code  # type: ignore[assignment]
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        sentences = [line for line in captured.err.splitlines() if line.startswith("distaff: ")]
        assert sentences == [captured.err.splitlines()[-1]]
        return code, sentences[0]

    return refuse


def change(path: Path, **entries: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", "dmeo"], "unknown recipe 'dmeo': did you mean 'demo'?"),
        (["train", "demo", "--model", "warp"], "unknown model 'warp'"),
        (["train", "demo", *SMALL, "--metrics", "gap"], "unknown metric 'gap'"),
        (["train", "demo", *SMALL, "--seeds", "99999999999999999999"], "seeds are (9999"),
        (["train", "demo", *SMALL, "--name", "../out"], "name is '../out'; give one that a folder"),
        (
            ["train", "demo", *SMALL, "--model.encoder.hidden", "9" * 12],
            "parameters, and at most 250,000,000 are built",
        ),
        (
            ["train", "demo", *SMALL, "--model.encoder.hidden", "9" * 18],
            "this model cannot be built",
        ),
        (["evaluate", "RUNS", "--metrics", "gap"], "unknown metric 'gap'"),
        (["illustrate", "RUNS", "--figures", "traversal"], "did you mean 'traversals'?"),
        (["evaluate", "RUNS", "--images", "-5"], "images is -5; it must be above 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_what_is_asked_wrongly_is_said(
    runs: list[Run], refused: Any, words: Any, sentence: str
) -> None:
    given = [str(runs) if word == "RUNS" else word for word in words]
    elsewhere = ["--runs", str(runs.parent / "new")] if words[0] == "train" else []  # type: ignore[attr-defined]
    code, said = refused(*given, *elsewhere)
    assert (code, sentence in said) == (2, True), said


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--training.steps", "-5"], "steps is -5; it must be at least 1"),
        (["--training.on-nan", "weep"], "on-nan"),
        (["--model.latents", "1000000000000"], "latents is 1000000000000; it must be from 1"),
        (["--data.size", "1000000000"], "size is 1000000000; it must be from 8 to 1024"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_flag_out_of_its_range_is_refused_before_anything_is_made(
    refused: Any, tmp_path: Path, flags: Any, sentence: str
) -> None:
    code, said = refused("train", "demo", *SMALL, *flags, "--runs", str(tmp_path / "new"))
    assert (code, sentence in said) == (2, True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("verb", "file"),
    [
        *(("evaluate", file) for file in ("experiment.json", "model.safetensors", "scores.json")),
        *(("illustrate", file) for file in ("experiment.json", "model.safetensors", "train.jsonl")),
        *(("compare", file) for file in ("experiment.json", "scores.json", "train.jsonl")),
        *(("report", file) for file in ("experiment.json", "environment.json", "scores.json")),
        ("train", "experiment.json"),
    ],
)
@pytest.mark.parametrize("content", [b'{"experiment": 3, "split": 3}\n', b"\xff" * 100], ids=[1, 2])
def test_a_damaged_file_is_named(
    runs: list[Run], run: Path, refused: Any, verb: Any, file: Any, content: Any
) -> None:
    (run / file).write_bytes(content)
    flags = (
        ["--figures", "training-curves"] if file == "train.jsonl" and verb == "illustrate" else []
    )
    code, said = refused(verb, run / file if verb == "train" else runs, *flags)
    assert code == 1
    assert str(run / file) in said
    assert "delete that file and" in said or "is not one that this version" in said


@pytest.mark.parametrize("verb", ["evaluate", "illustrate", "compare", "report", "train"])
def test_a_run_of_a_newer_version_asks_for_an_upgrade(
    runs: list[Run], run: Path, refused: Any, verb: str
) -> None:
    change(run / "experiment.json", format=2, distaff="9.1")
    code, said = refused(verb, run / "experiment.json" if verb == "train" else runs)
    assert (code, "made by distaff 9.1" in said, "upgrade" in said) == (1, True, True)


def test_a_field_of_another_version_is_named(run: Path, refused: Any) -> None:
    content = json.loads((run / "experiment.json").read_text())
    content["experiment"]["training"]["warp"] = 9
    change(run / "experiment.json", **content)
    code, said = refused("evaluate", run)
    assert (code, "unknown field training.warp" in said) == (1, True)


def test_damaged_checkpoints_are_said(run: Path, runs: list[Run], refused: Any) -> None:
    words = ["train", "demo", *SMALL, "--runs", str(runs)]
    (run / "model.safetensors").unlink()
    (run / NEWEST).write_bytes(b"")
    code, said = refused(*words)
    assert (code, "was interrupted; continue it with --resume" in said) == (1, True)
    code, said = refused(*words, "--resume")
    assert (code, f"{NEWEST} is damaged; remove" in said) == (1, True)
    (run / BEFORE).write_bytes(b"distaff checkpoint 1 of another time")
    code, said = refused(*words, "--resume")
    assert (code, f"{BEFORE} are damaged; remove" in said) == (1, True)
    (run / NEWEST).write_bytes(b"distaff checkpoint 2 " + b"0" * 64 + b"\n" + b"what 2 is like")
    code, said = refused(*words, "--resume")
    assert (code, f"{NEWEST} was made by a newer distaff, in format 2" in said) == (1, True)


def test_a_damaged_checkpoint_is_said_and_the_one_before_is_gone_on_from(
    run: Path, runs: list[Run], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash:
        def start(self, run: Any, trainer: Any) -> None:
            pass

        def advance(self, trainer: Any, records: Any) -> None:  # noqa: ARG002
            if trainer.current_step == 7:
                raise KeyboardInterrupt

    experiment = read_experiment(run / "experiment.json")
    expected = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").unlink()
    monkeypatch.setattr("distaff.train.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr("distaff.train.CHECKPOINTS_SHARE", float("inf"))
    with pytest.raises(KeyboardInterrupt):
        train(experiment, runs, progress=Crash())  # type: ignore[arg-type]
    (run / NEWEST).write_bytes((run / NEWEST).read_bytes()[:-1])
    capsys.readouterr()
    assert main(["train", "demo", *SMALL, "--runs", str(runs), "--resume"]) == 0
    sentence = f"distaff: {run / NEWEST} is damaged; going on from {BEFORE}, at step 5."
    assert sentence in capsys.readouterr().err.splitlines()
    assert (run / "model.safetensors").read_bytes() == expected


def test_a_loss_that_is_no_number_stops_the_training_or_is_skipped(
    tmp_path: Path, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = AnnealedVAE.settings
    monkeypatch.setattr(
        AnnealedVAE,
        "settings",
        lambda model, step: settings(model, step) | ({"gamma": float("nan")} if step == 3 else {}),  # type: ignore[operator]
    )
    words = ["train", "demo", *SMALL, "--runs", str(tmp_path)]
    code, said = refused(*words)
    assert (code, "is not finite at step 3" in said, "--training.on-nan skip" in said) == (1, 1, 1)
    assert main([*words, "--training.on-nan", "skip", "--resume"]) == 0
    (log,) = tmp_path.rglob("train.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["skipped"] for line in lines if line["split"] == "train"] == [1, 0, 0, 0]


HOLDER = """
import sys, time
from pathlib import Path
from distaff.runs.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_two_processes_on_one_run_do_not_meet(runs: list[Run], run: Path, refused: Any) -> None:
    words = ["train", "demo", *SMALL, "--runs", str(runs)]
    (run / "model.safetensors").unlink()
    command = [sys.executable, "-c", HOLDER, str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"  # type: ignore[union-attr]
        for flags in ([], ["--resume"]):
            code, said = refused(*words, *flags)
            assert code == 1
            assert f"{run} is being trained by another process; wait for its end" in said
        assert main(["list", "runs", "--runs", str(runs)]) == 0  # looking is free
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert main(words) == 0


def test_a_lock_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", denied)
    with (
        pytest.raises(RunError, match=r"cannot write .*\.lock \(Permission denied\)"),
        locked(tmp_path),
    ):
        pass


def test_debug_shows_where_it_came_from(run: Path) -> None:
    (run / "experiment.json").write_text("{")
    with pytest.raises(RunError):
        main(["evaluate", str(run), "--debug"])


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Any]:
    """Returns a function that mounts a small file system, or changes how it is mounted."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    used = []

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
            pytest.skip("nothing can be mounted here")
        used.append(folder)
        return folder

    yield mount
    for _ in used[:1]:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stops_a_training_that_goes_on_when_there_is_room(
    mounted: Any, refused: Any
) -> None:
    runs = mounted("size=512k")
    words = ["train", "demo", *SMALL, "--runs", runs]
    filler = runs / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(runs).free - 5 * 4096))
    code, said = refused(*words)
    assert (code, "No space left on device" in said, "free some space" in said) == (1, True, True)
    filler.unlink()
    assert main([str(word) for word in (*words, "--resume")]) == 0
    assert distaff.load(runs)


def test_a_read_only_folder_is_enough_for_a_finished_run(
    original: Any, mounted: Any, refused: Any
) -> None:
    runs = mounted("size=8m")
    shutil.copytree(original, runs, dirs_exist_ok=True)
    (run,) = runs.glob("demo/*/seed-0")
    (run / ".lock").unlink()
    mounted("remount,ro")
    assert distaff.load(run)
    words = ["train", "demo", *SMALL, "--runs", str(runs)]
    assert main(words) == 0  # found again
    assert main(["compare", str(runs)]) == 0
    for refusing in (["evaluate", runs, "--images", "200"], [*words, "--seeds", "1"]):
        code, said = refused(*refusing)
        assert (code, "Read-only file system" in said, "cannot write" in said) == (1, True, True)
