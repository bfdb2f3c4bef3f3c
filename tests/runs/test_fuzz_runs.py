"""Files of a run with a thousand kinds of damage: each is read, or refused in one sentence."""

import json
import random
import resource
import shutil
import signal
import struct
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distaff.compare import compare
from distaff.data import Circles
from distaff.errors import DistaffError, RunWarning
from distaff.evaluate import save_scores
from distaff.experiment import Experiment, to_json
from distaff.metrics.score import Score
from distaff.models import BetaVAE, build
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.report import report
from distaff.runs import Run, find_runs
from distaff.runs.session import Session, resume
from distaff.runs.training_log import TrainingLog
from distaff.studies import Study, plan, study_folder
from distaff.train import train
from distaff.training import Training
from distaff.training.trainer import Trainer

CASES = 170
"""Of each of the seven files."""
ROOM = 2**30
"""Bytes of address space that reading may take on top of what the test takes already."""
SECONDS = 120
"""For all cases of a file; they take two."""
ABSURD = (  # type: ignore[var-annotated]
    *(None, True, False, 0, -1, 1.5, 10**12, -(10**12), 2**63, 10**400, 1e308, float("nan")),
    *("", "x", "\0", "\ud800", "../..", "x" * 10_000, [], [[]], {}, {"kind": "vae"}, [0] * 1000),
)

Content = bytes
Damage = Callable[[Content, random.Random], Content]


def cut_short(content: Content, chance: random.Random) -> Content:
    return content[: chance.randrange(len(content))]


def flip_bits(content: Content, chance: random.Random) -> Content:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 20))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def lose_a_piece(content: Content, chance: random.Random) -> Content:
    begin, end = sorted(chance.choices(range(len(content) + 1), k=2))
    return content[:begin] + content[end:]


def repeat_a_piece(content: Content, chance: random.Random) -> Content:
    begin, end = sorted(chance.choices(range(len(content) + 1), k=2))
    return content[:end] + content[begin:end] + content[end:]


def blank_a_piece(content: Content, chance: random.Random) -> Content:
    begin, end = sorted(chance.choices(range(len(content) + 1), k=2))
    return content[:begin] + bytes(end - begin) + content[end:]


def put_noise_in(content: Content, chance: random.Random) -> Content:
    place = chance.randrange(len(content) + 1)
    return content[:place] + chance.randbytes(chance.choice((1, 8, 1000))) + content[place:]


def be_something_else(content: Content, chance: random.Random) -> Content:  # noqa: ARG001
    return chance.choice((b"", b"\n", b"\xff\xd8\xff\xe0 a picture", b"[" * 10**5, bytes(10**6)))


ANY_FILE = (
    *(cut_short, flip_bits, lose_a_piece, repeat_a_piece),
    *(blank_a_piece, put_noise_in, be_something_else),
)


def change_a_value(value: object, chance: random.Random) -> object:
    """Another value somewhere in a tree of JSON, a key lost, or one too many."""
    if isinstance(value, dict | list) and value and chance.random() < 0.8:
        value = value.copy()
        place = (
            chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
        )
        what = chance.random()
        if what < 0.1:
            del value[place]
        elif what < 0.2 and isinstance(value, dict):
            value[f"{place}s"] = value[place]
        else:
            value[place] = change_a_value(value[place], chance)
        return value
    return chance.choice(ABSURD)


def change_json(content: Content, chance: random.Random) -> Content:
    return json.dumps(change_a_value(json.loads(content), chance)).encode()


def change_a_line(content: Content, chance: random.Random) -> Content:
    lines = content.splitlines(keepends=True)
    place = chance.randrange(len(lines))
    lines[place] = change_json(lines[place], chance) + b"\n"
    return b"".join(lines)


def change_the_header(content: Content, chance: random.Random) -> Content:
    size = struct.unpack("<Q", content[:8])[0]
    header = change_json(content[8 : 8 + size], chance)
    return struct.pack("<Q", len(header)) + header + content[8 + size :]


class Nothing(Study):
    """A study without a training."""

    name, title, source, estimates = "nothing", "Nothing", "nothing.typ", {}  # type: ignore[assignment]

    @property
    def experiments(self) -> Any:
        return {}

    @property
    def tasks(self) -> Any:
        return {"task": lambda _: {}}


@pytest.fixture(scope="module")
def original(tmp_path_factory: Any) -> Path:
    """The folder of a run that was trained, measured, and has a checkpoint still."""
    folder = tmp_path_factory.mktemp("runs")
    experiment = Experiment(
        name="fuzz",
        data=Circles.Config(size=16, positions=8, shape_sizes=(4,)),
        model=BetaVAE.Config(
            latents=3,
            encoder=DenseEncoder.Config(hidden=(4,)),
            decoder=DenseDecoder.Config(hidden=(4,)),
        ),
        training=Training(
            steps=4, batch_size=8, log_every=1, validate_every=2, validation_images=8, device="cpu"
        ),
    )
    (run,) = train(experiment, folder)
    save_scores(run, {"dci": Score(0.5, (0.4, 0.6), 0.1, 1.0, "none", {"posX": 0.5}, np.eye(3, 5))})
    trainer = new_fit(run)
    trainer.step()
    with TrainingLog(run.folder, 1, lambda: None) as log:
        Session(run, trainer, log, 0.0).save()
    study = study_folder(folder, Nothing("smoke")) / "results"
    study.mkdir(parents=True)
    record = {"stamp": "0", "seconds": 1.5, "figures": {"a": "A."}, "results": {"b": [1, {"c": 2}]}}
    (study / "task.json").write_text(json.dumps(record))
    return folder  # type: ignore[no-any-return]


def new_fit(run: Run) -> Trainer:
    dataset = run.load_dataset()
    train_part, validation = dataset.split("train"), dataset.split("validation")
    model: Any = build(run.experiment.model, train_part.spec, seed=0)
    return Trainer(model, train_part, validation, run.experiment.training, seed=0)


def read_experiment(run: Run) -> None:
    assert len(run.experiment.config_hash) == 8
    json.dumps(to_json(run.experiment))
    run.load_model()


def read_log(run: Run) -> None:
    assert run.terms
    compare([run])


def read_scores(run: Run) -> None:
    assert all(isinstance(score, Score) for score in run.scores.values())
    compare([run])


def read_environment(run: Run) -> None:
    assert run.environment["seconds"] is not None
    report(run)


def read_model(run: Run) -> None:
    model = run.load_model()
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def read_checkpoint(run: Run) -> None:
    run.model_file.unlink(missing_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunWarning)
        resume(run, new_fit(run))


def read_results(run: Run) -> None:
    plan(Nothing("smoke"), run.folder.parents[2])


FILES = {
    "experiment.json": (read_experiment, (*ANY_FILE, *[change_json] * 20)),
    "train.jsonl": (read_log, (*ANY_FILE, *[change_a_line] * 10)),
    "scores.json": (read_scores, (*ANY_FILE, *[change_json] * 10)),
    "environment.json": (read_environment, (*ANY_FILE, *[change_json] * 10)),
    "model.safetensors": (read_model, (*ANY_FILE, *[change_the_header] * 10)),
    "resume.pt": (read_checkpoint, ANY_FILE),
    "task.json": (read_results, (*ANY_FILE, *[change_json] * 10)),
}


@pytest.fixture
def bounded() -> Iterator[Any]:
    """Little memory and little time, so that whoever believes an absurd number fails the test."""
    if sys.platform != "linux":
        pytest.skip("the limits are those of Linux")
    before = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()

    def hanging(*_: Any) -> None:
        raise AssertionError(f"not done in {SECONDS} seconds")

    handler = signal.signal(signal.SIGALRM, hanging)
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, before[1]))
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, handler)
    resource.setrlimit(resource.RLIMIT_AS, before)


def refusal(read: Callable[[Run], None], run: Run) -> str | None:
    """The sentence with which reading is refused."""
    try:
        read(run)
    except DistaffError as error:
        return str(error)
    return None


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused_in_one_sentence(
    original: Any, tmp_path: Path, name: str
) -> None:
    read, damages = FILES[name]
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    (path,) = tmp_path.rglob(name)
    (run,) = find_runs(tmp_path)
    content = path.read_bytes()
    chance, said = random.Random(name), []
    for _ in range(CASES):
        path.write_bytes(chance.choice(damages)(content, chance))
        said.append(refusal(read, Run(run.folder)))
    refused = [sentence for sentence in said if sentence is not None]
    assert len(refused) > CASES / 4  # or the damage was none
    assert not [sentence for sentence in refused if "\n" in sentence]
    assert not [sentence for sentence in refused if str(tmp_path) not in sentence]
    path.write_bytes(content)
    assert refusal(read, Run(run.folder)) is None
