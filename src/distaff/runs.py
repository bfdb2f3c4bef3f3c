"""The folder of one trained seed: plain files, safe to copy.

runs/<recipe>/<8 hex of the config>/seed-3/
    experiment.json       whole experiment and seed: enough to train it again
    environment.json      versions, commit, device, seconds
    train.jsonl           a line a logged step
    resume.pt             parameters, optimiser and generator state while it is under way
    model.safetensors     written last and renamed into place: its presence means finished
    scores.json           metric -> score with its settings
    codes-*.npy           the code of every image, once it was asked for; named by the parameters
    figures/              *.png and *.pdf
    report.html
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch

from distaff.data import DATASETS, FactorDataset
from distaff.errors import RunError, UsageError
from distaff.experiment import Experiment, experiment_from_json, to_json
from distaff.models import MODELS, AbstractVAE, Model, build
from distaff.registry import kind_of
from distaff.score import Score
from distaff.types import DataSpec


@dataclass(frozen=True)
class Run:
    """One trained, or not yet trained, seed of an experiment."""

    folder: Path

    @property
    def finished(self) -> bool:
        """Whether the training came to its end."""
        return self.model_file.is_file()

    @property
    def interrupted(self) -> bool:
        """Whether the training stopped on its way and can be taken up again."""
        return self.resume_file.is_file() and not self.finished

    @property
    def model_file(self) -> Path:
        """The trained parameters."""
        return self.folder / "model.safetensors"

    @property
    def resume_file(self) -> Path:
        """The state of a training under way."""
        return self.folder / "resume.pt"

    @property
    def log_file(self) -> Path:
        """The training log."""
        return self.folder / "train.jsonl"

    @property
    def figures_folder(self) -> Path:
        """Where figures are drawn."""
        return self.folder / "figures"

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment this run belongs to."""
        return experiment_from_json(self.read("experiment.json")["experiment"])

    @property
    def seed(self) -> int:
        """Of parameters, order of images and noise."""
        return int(self.read("experiment.json")["seed"])

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the training log; one that a kill cut short is left out."""
        whole = self.log_file.read_text().split("\n")[:-1]
        return [json.loads(line) for line in whole]

    @property
    def terms(self) -> list[str]:
        """Names of the loss terms in the log, without the objective that they make up."""
        last = next(line for line in reversed(self.log) if line["split"] == "validation")
        return [name for name in last if name not in ("split", "step", "objective", "seconds")]

    @property
    def scores(self) -> dict[str, Score]:
        """The scores measured so far; none before the run is evaluated."""
        if not (self.folder / "scores.json").is_file():
            return {}
        return {name: _score(**score) for name, score in self.read("scores.json").items()}

    def read(self, name: str) -> Any:
        """Returns the content of one of the run's JSON files.

        Raises:
            RunError: the file is missing or damaged.
        """
        path = self.folder / name
        try:
            return json.loads(path.read_text())
        except FileNotFoundError:
            raise RunError(f"no {name} in {self.folder}; is it the folder of a run?") from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise RunError(f"{path} is damaged ({error}); train the run again.") from None

    def write(self, name: str, content: Any) -> None:
        """Writes one of the run's JSON files, whole or not at all."""
        with writing(self.folder / name) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")

    def load_dataset(self) -> FactorDataset:
        """Returns the data set the run was trained on."""
        config = self.experiment.data
        return DATASETS[kind_of(config, DATASETS)](config).load()

    def load_model(self, device: torch.device | str = "cpu") -> Model:
        """Returns the trained model, ready to be asked.

        Raises:
            RunError: the run is not finished, or its parameters are not those of its model.
        """
        if not self.finished:
            how = "continue it with --resume" if self.interrupted else "train it first"
            raise RunError(f"the run at {self.folder} is not finished; {how}.")
        # runs made before the names of the factors were kept have a list of three
        shape, sizes, count, *names = self.read("experiment.json")["spec"]
        spec = DataSpec(tuple(shape), tuple(sizes), count, *map(tuple, names))
        model = build(self.experiment.model, spec, seed=self.seed)
        try:
            model.load_state_dict(safetensors.torch.load_file(self.model_file))
        except (safetensors.SafetensorError, RuntimeError) as error:
            raise RunError(
                f"{self.model_file} does not hold the parameters of this run's model "
                f"({str(error).splitlines()[0]}); train the run again."
            ) from None
        return model.to(device).eval()

    def load_vae(self, device: torch.device | str = "cpu") -> AbstractVAE:
        """Returns the trained model of a run whose images have codes.

        Raises:
            UsageError: it is a classifier.
            RunError: as in `load_model`.
        """
        model = self.load_model(device)
        if not isinstance(model, AbstractVAE):
            kind = kind_of(self.experiment.model, MODELS)
            raise UsageError(
                f"the run at {self.folder} is a {kind}, which has no latents; give the run of a "
                f"variational autoencoder."
            )
        return model


def _score(
    *, interval: list[float] | None, relation: list[list[float]] | None, **others: Any
) -> Score:
    """Returns a score from its JSON, which knows neither tuples nor arrays."""
    return Score(
        interval=(interval[0], interval[1]) if interval else None,
        relation=None if relation is None else np.asarray(relation),
        **others,
    )


def create(folder: Path, experiment: Experiment, seed: int, spec: DataSpec) -> Run:
    """Makes the folder of a run and writes into it what the run is."""
    run = Run(folder)
    run.write(
        "experiment.json", {"experiment": to_json(experiment), "seed": seed, "spec": list(spec)}
    )
    return run


def run_folder(runs: Path, experiment: Experiment, seed: int) -> Path:
    """Returns where the run of this experiment and seed lives."""
    return runs / experiment.name / experiment.config_hash / f"seed-{seed}"


def find_runs(folder: Path) -> list[Run]:
    """Returns the run in this folder, or all runs in the folders below it.

    Raises:
        RunError: there is none.
    """
    if not folder.is_dir():
        raise RunError(f"no folder {folder}; give the folder of a run, or one that holds runs.")
    found = [Run(path.parent) for path in sorted(folder.rglob("experiment.json"))]
    if not found:
        raise RunError(
            f"no run in {folder}: no experiment.json in it or below; give the folder of a run."
        )
    return found


def load(path: Path | str, device: torch.device | str = "cpu") -> Any:
    """Returns the trained model of a run, of the class that its experiment names.

    Args:
        path: the folder of a run, or one that holds a single run.
        device: where to put the model.

    Raises:
        RunError: no run there, several, or an unfinished one.
    """
    runs = find_runs(Path(path))
    if len(runs) > 1:
        raise RunError(f"{path} holds {len(runs)} runs; give one, for example {runs[0].folder}.")
    return runs[0].load_model(device)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Gives a temporary path to write to, which becomes `path` when all went well.

    Whoever reads `path` finds the old content or the new one, never a part of it.

    Raises:
        RunError: the disk is full, or the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise RunError(
            f"cannot write {path} ({error.strerror or error}); free some space or choose another "
            f"folder."
        ) from None
    finally:
        if path.parent.is_dir():
            temporary.unlink(missing_ok=True)
