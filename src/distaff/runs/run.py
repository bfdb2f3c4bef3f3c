"""The folder of one trained seed: plain files, safe to copy.

runs/<recipe>/<8 hex of the config>/seed-3/
    experiment.json       whole experiment and seed: enough to train it again
    environment.json      versions, commit, device, seconds
    train.jsonl           a line a logged step
    resume.pt             parameters, optimiser and generator state while it is under way, and
    resume.previous.pt    those of the checkpoint before
    nonfinite.safetensors the first batch whose loss was no finite number, if there was one
    model.safetensors     written last and renamed into place: its presence means finished
    scores.json           metric -> score with its settings, and the parameters it is of
    codes-*.npy           the code of every image, once it was asked for; named by the parameters
    log-std-*.npy         the log standard deviations of the same
    figures/              *.png and *.pdf, which carry the stamp of the parameters
    report.html
    .lock                 held by the process that trains it
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from distaff.data import FactorDataset, load_from
from distaff.data.digest import digest_of
from distaff.errors import RunError, UsageError
from distaff.experiment import Experiment
from distaff.files import TRAIN_AGAIN, damaged, read_json, write_json
from distaff.metrics.score import Score, ScoreContent, score_from_json
from distaff.models import GenerativeModel, Model, build, parameter_shapes
from distaff.runs import checkpoints, manifest, training_log
from distaff.runs.environment import Environment
from distaff.runs.manifest import Manifest, read_manifest
from distaff.runs.parameters import read_parameters

SCORES = "scores.json"
EVALUATE_AGAIN = "evaluate the run again"
"""How damaged scores are made again."""


@dataclass(frozen=True)
class Run:
    """One trained, or not yet trained, seed of an experiment."""

    folder: Path
    data_path: Path | None = None
    """Where its data lie now, if they were moved after the training."""

    @property
    def finished(self) -> bool:
        """Whether the training is complete."""
        return self.model_file.is_file()

    @property
    def interrupted(self) -> bool:
        """Whether the training was interrupted and can be resumed."""
        return bool(checkpoints.present(self.folder)) and not self.finished

    @property
    def model_file(self) -> Path:
        """The trained parameters."""
        return self.folder / "model.safetensors"

    @property
    def log_file(self) -> Path:
        """The training log."""
        return self.folder / training_log.NAME

    @property
    def nonfinite_batch_file(self) -> Path:
        """The first batch with a loss that is not finite."""
        return self.folder / "nonfinite.safetensors"

    @property
    def figures_folder(self) -> Path:
        """Where figures are drawn."""
        return self.folder / "figures"

    @cached_property
    def manifest(self) -> Manifest:
        """What the run is."""
        return read_manifest(self.folder / manifest.NAME)

    @property
    def experiment(self) -> Experiment:
        """The experiment this run belongs to."""
        return self.manifest.experiment

    @property
    def seed(self) -> int:
        """Of parameters, order of images and noise."""
        return self.manifest.seed

    @property
    def environment(self) -> Environment:
        """What the run was trained with."""
        path = self.folder / "environment.json"
        content: Environment = read_json(path, Environment, again=TRAIN_AGAIN)
        if not 0 <= content["seconds"] < math.inf:
            raise damaged(path, f"seconds {content['seconds']}", TRAIN_AGAIN)
        return content

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the training log; a last line that was cut short is left out."""
        return training_log.read_log(self.folder)

    @property
    def last_validation(self) -> Mapping[str, float]:
        """The terms and the objectives of the last validation.

        Raises:
            RunError: there was none, or the log is damaged.
        """
        lines = [line for line in self.log if line["split"] == "validation"]
        if not lines:
            raise damaged(self.log_file, "it holds no validation", TRAIN_AGAIN)
        return {n: v for n, v in lines[-1].items() if n not in ("split", "step", "seconds")}

    @property
    def terms(self) -> list[str]:
        """Names of the loss terms in the log, without the objectives that they make up."""
        return [name for name in self.last_validation if not is_objective(name)]

    @property
    def objectives(self) -> list[str]:
        """Names of the objectives in the log, one for each player."""
        return [name for name in self.last_validation if is_objective(name)]

    @property
    def stamp(self) -> str | None:
        """Eight hexadecimal digits of the trained parameters; None before they are there.

        Scores, codes and figures carry the stamp of the parameters they are of.
        """
        if not self.finished:
            return None
        with self.model_file.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:8]

    @property
    def kept_scores(self) -> dict[str, Score]:
        """All scores in the run's folder, whatever parameters they are of."""
        path = self.folder / SCORES
        return read_scores(path) if path.is_file() else {}

    @property
    def scores(self) -> dict[str, Score]:
        """The scores measured so far of the parameters that the run has; at first none.

        Scores from before there were stamps count among them.
        """
        known = (None, self.stamp)
        return {
            n: score for n, score in self.kept_scores.items() if score.origin.parameters in known
        }

    @property
    def stale_scores(self) -> list[str]:
        """Names of scores measured on earlier parameters, which are no longer the run's."""
        return sorted(self.kept_scores.keys() - self.scores.keys())

    def read(self, name: str) -> Any:
        """Returns the content of one of the run's JSON files.

        Raises:
            RunError: the file is missing or damaged.
        """
        return read_json(self.folder / name, dict[str, Any], again=TRAIN_AGAIN)

    def write(self, name: str, content: Any) -> None:
        """Writes one of the run's JSON files, whole or not at all.

        Raises:
            RunError: the disk is full, or the folder cannot be written to.
        """
        write_json(self.folder / name, content)

    def load_dataset(self) -> FactorDataset:
        """Returns the data set the run was trained on.

        Raises:
            RunError: it has changed since; the splits would be others, and images that were trained
                on could be among those of the test.
            UsageError: `data_path` is given, and the set is not read from a path.
        """
        dataset = load_from(self.experiment.data, self.data_path)
        self.check_data(dataset)
        return dataset

    def check_data(self, dataset: FactorDataset) -> None:
        """Refuses a set that is not the one the run was trained on, as far as the run knows.

        Raises:
            RunError: as in `load_dataset`.
        """
        expected = self.manifest.data_digest
        if expected not in (None, digest_of(dataset)):
            own = getattr(self.experiment.data, "path", "")
            raise RunError(
                f"{self.data_path or own or 'the data set'} is not what the run at {self.folder} "
                f"was trained on, since something in it was added, removed or changed; put it back "
                f"as it was, or give the place where the same data lie now with --data.path."
            )

    def load_model(self, device: torch.device | str = "cpu") -> Model:
        """Returns the trained model in evaluation mode.

        Raises:
            RunError: the run is not finished, or its parameters are not those of its model.
        """
        if not self.finished:
            how = "continue it with --resume" if self.interrupted else "train it first"
            raise RunError(f"the run at {self.folder} is not finished; {how}.")
        experiment, seed, spec, _ = self.manifest
        try:
            expected = parameter_shapes(experiment.model, spec)
        except UsageError as error:
            raise damaged(self.folder / manifest.NAME, error, TRAIN_AGAIN) from None
        parameters = read_parameters(self.model_file, expected)
        if self.environment.get("model", self.stamp) != self.stamp:
            raise damaged(
                self.model_file, "it is not the file that this training wrote", TRAIN_AGAIN
            )
        model = build(experiment.model, spec, seed=seed)
        model.resize = experiment.data.build().resize
        model.load_state_dict(parameters)
        return model.to(device).eval()

    def load_generative(self, device: torch.device | str = "cpu") -> GenerativeModel:
        """Returns the trained model of a run whose images have codes.

        Raises:
            UsageError: it is a classifier.
            RunError: as in `load_model`.
        """
        return self.check_generative(self.load_model(device))

    def check_generative(self, model: Model) -> GenerativeModel:
        """Returns the run's model if its images have codes.

        Raises:
            UsageError: it is a classifier.
        """
        if not isinstance(model, GenerativeModel):
            raise UsageError(
                f"the run at {self.folder} is a {self.experiment.model.kind}, which has no "
                f"latents; give the run of a generative model."
            )
        return model


def read_scores(path: Path) -> dict[str, Score]:
    """Returns the scores of a scores.json, of a run or of anybody's codes.

    Raises:
        RunError: it is missing or damaged.
    """
    content = read_json(path, dict[str, ScoreContent], again=EVALUATE_AGAIN)
    try:
        return {name: score_from_json(score) for name, score in content.items()}
    except (ValueError, IndexError) as error:
        raise damaged(path, error, EVALUATE_AGAIN) from None


def is_objective(name: str) -> bool:
    """Whether a number in the log is what a player minimises, and not a term of it."""
    return name == "objective" or name.endswith(" objective")
