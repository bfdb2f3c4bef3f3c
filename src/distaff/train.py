"""Experiment to finished runs."""

import importlib.util
import json
import platform
import signal
import subprocess
import threading
import time
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, runtime_checkable

import safetensors.torch
import torch

from distaff.data import DATASETS, FactorDataset
from distaff.device import choose_device
from distaff.errors import Interrupted, RunError
from distaff.experiment import Experiment
from distaff.fit import Fit, NonFiniteLossError, Record
from distaff.models import build
from distaff.registry import kind_of
from distaff.runs import Run, create, run_folder, writing

SECONDS_BETWEEN_CHECKPOINTS = 60.0


@runtime_checkable
class Progress(Protocol):
    """Who watches a training."""

    def start(self, run: Run, fitting: Fit) -> None:
        """A run begins, or goes on from `fitting.step`."""

    def advance(self, fitting: Fit, records: list[Record]) -> None:
        """A step was taken."""


def train(
    experiment: Experiment,
    runs: Path | str = "runs",
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> list[Run]:
    """Trains the runs of an experiment that are not finished yet, one for each seed.

    Args:
        experiment: what to train.
        runs: folder that holds all runs.
        resume: go on with runs that were interrupted.
        progress: is told of every step.

    Returns:
        The finished runs, in the order of the seeds.

    Raises:
        RunError: a run was interrupted and `resume` is not set, or cannot be written.
        Interrupted: Ctrl-C or SIGTERM; the state is saved.
        NonFiniteLossError: saved is the last good state, and beside it the culprit batch.
    """
    choose_device(experiment.training.device)  # before any folder is made
    dataset: FactorDataset | None = None
    trained = []
    for seed in experiment.seeds:
        run = Run(run_folder(Path(runs), experiment, seed))
        if run.interrupted and not resume:
            raise RunError(
                f"the run at {run.folder} was interrupted; continue it with --resume, or remove "
                f"that folder to begin anew."
            )
        if not run.finished:
            dataset = (
                dataset or DATASETS[kind_of(experiment.data, DATASETS)](experiment.data).load()
            )
            run = create(run.folder, experiment, seed, dataset.part("train").spec)
            _train_run(run, dataset, progress)
        trained.append(run)
    return trained


def _train_run(run: Run, dataset: FactorDataset, progress: Progress | None) -> None:
    experiment, seed = run.experiment, run.seed
    training_images = dataset.part("train")
    fitting = Fit(
        build(experiment.model, training_images.spec, seed=seed),
        training_images,
        dataset.part("validation"),
        experiment.training,
        seed=seed,
    )
    seconds = _take_up(run, fitting)
    if progress:
        progress.start(run, fitting)
    with _Stop() as stop, _Log(run, fitting.step) as log:
        begin = saved = time.monotonic()
        while not fitting.finished and not stop.asked:
            try:
                records = fitting.advance()
            except NonFiniteLossError as error:
                _save(run, fitting, seconds + time.monotonic() - begin)
                raise _with_culprit(run, error) from None
            now = time.monotonic()
            log.write(records, seconds + now - begin)
            if progress:
                progress.advance(fitting, records)
            if now - saved > SECONDS_BETWEEN_CHECKPOINTS:
                _save(run, fitting, seconds + now - begin)
                saved = now
        seconds += time.monotonic() - begin
    if not fitting.finished:
        _save(run, fitting, seconds)
        raise Interrupted(
            f"stopped at step {fitting.step} of {fitting.steps}; the same command with --resume "
            f"goes on from there."
        )
    _finish(run, fitting, seconds)


def _take_up(run: Run, fitting: Fit) -> float:
    """Loads the state of an interrupted run; returns the seconds it had been trained."""
    if not run.interrupted:
        run.log_file.unlink(missing_ok=True)
        return 0.0
    try:
        state = torch.load(run.resume_file, map_location=fitting.device, weights_only=True)
        fitting.load_state_dict(state["fit"])
    except (RuntimeError, ValueError, KeyError, EOFError, OSError) as error:
        raise RunError(
            f"{run.resume_file} is damaged ({str(error).splitlines()[0]}); remove "
            f"{run.folder} to begin anew."
        ) from None
    kept = [line for line in run.log if line["step"] <= fitting.step]
    with writing(run.log_file) as temporary:
        temporary.write_text("".join(json.dumps(line) + "\n" for line in kept))
    return float(state["seconds"])


def _save(run: Run, fitting: Fit, seconds: float) -> None:
    with writing(run.resume_file) as temporary:
        torch.save({"fit": fitting.state_dict(), "seconds": seconds}, temporary)


def _finish(run: Run, fitting: Fit, seconds: float) -> None:
    run.write("environment.json", _environment(fitting, seconds))
    parameters = {
        name: value.detach().cpu().contiguous()
        for name, value in fitting.model.state_dict().items()
    }
    with writing(run.model_file) as temporary:
        temporary.write_bytes(safetensors.torch.save(parameters))
    run.resume_file.unlink(missing_ok=True)


def _with_culprit(run: Run, error: NonFiniteLossError) -> NonFiniteLossError:
    """Writes the batch that gave a non-finite loss, and says where."""
    path = run.folder / "nonfinite.safetensors"
    culprit = {
        "images": error.batch.images.contiguous(),
        "factors": error.batch.factors,
        "noise": error.noise,
    }
    with writing(path) as temporary:
        terms = {name: str(value) for name, value in error.terms.items()}
        temporary.write_bytes(safetensors.torch.save(culprit, terms))
    error.args = (f"{error}; the batch is in {path}, and the state before it is kept.",)
    return error


def _environment(fitting: Fit, seconds: float) -> dict[str, Any]:
    cuda = fitting.device.type == "cuda"
    return {
        "distaff": version("distaff"),
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(fitting.device) if cuda else fitting.device.type,
        "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in fitting.model.parameters()),
        "derived_settings": fitting.model.derived_settings(),
        "steps": fitting.step,
        "best_step": fitting.best["step"],
        "seconds": round(seconds, 2),
    }


def _commit() -> str | None:
    """The commit of distaff's own checkout; None for an installed package."""
    source = Path(__file__).parent
    if not (source.parents[1] / ".git").exists():
        return None
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or None


class _Log:
    """Appends lines to train.jsonl, and to TensorBoard event files where it is installed."""

    def __init__(self, run: Run, step: int) -> None:
        self._run = run
        self._step = step
        self._board: Any = None

    def __enter__(self) -> "_Log":
        self._file = self._run.log_file.open("a")
        if importlib.util.find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self._run.folder), purge_step=self._step)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._board:
            self._board.close()

    def write(self, records: list[Record], seconds: float) -> None:
        for record in records:
            self._file.write(json.dumps({**record, "seconds": round(seconds, 3)}) + "\n")
            self._file.flush()
            if self._board:
                for name, value in record.items():
                    if name not in ("split", "step"):
                        self._board.add_scalar(f"{name}/{record['split']}", value, record["step"])


class _Stop:
    """Catches Ctrl-C and SIGTERM, so that the step under way ends and the state is saved."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> "_Stop":
        # Python lets only the main thread set handlers; in another one a stop is its caller's
        main = threading.current_thread() is threading.main_thread()
        numbers = self.SIGNALS if main else ()
        self._before = {number: signal.signal(number, self._ask) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.asked = True
