"""The training loop: one for all models, one player or several."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from distaff.data import FactorDataset
from distaff.models import Adam, Model
from distaff.nets.encoder import Encoder
from distaff.training.batches import Batches, joined
from distaff.training.cuda_graph import CudaGraphStep
from distaff.training.device import choose_device, tune_malloc
from distaff.training.nonfinite import NonFiniteLossError
from distaff.training.schedules import warn_of_unfinished_schedules
from distaff.training.settings import Training, number_of_steps
from distaff.training.state import check_state
from distaff.training.terms import Measured, Terms
from distaff.types import Batch, Noise, Settings

Record = dict[str, Any]
MOST_SKIPPED = 100
"""Steps in a row without an update after which even a training that skips comes to its end: one
bad batch says something of that batch, a hundred say that no batch will be good again."""


class Best(NamedTuple):
    """The best validation so far."""

    objective: float = math.inf
    step: int = 0
    evaluations_since: int = 0
    """Validations after it."""


class Trainer:
    """A training under way.

    The images of a step follow from the seed and the step alone; the noise comes from a generator
    whose state is part of `state_dict`. A training that is stopped, saved and resumed
    therefore ends in the same parameters, to the bit, as one that was not.
    """

    def __init__(
        self,
        model: Model,
        train: FactorDataset,
        validation: FactorDataset,
        training: Training,
        *,
        seed: int,
    ) -> None:
        """Moves model and images to the device and makes the optimisers.

        Args:
            model: trained in place.
            train: images to learn from.
            validation: held-out images.
            training: how.
            seed: decides order of images and noise.

        Raises:
            UsageError: the images are too large for the model to be trained on them.

        Warns:
            RunWarning: the training ends before the model's weights are at their last values.
        """
        for module in model.modules():
            if isinstance(module, Encoder):
                module.check_trainable()
        tune_malloc()
        self.training = training
        self.device = choose_device(training.device)
        self.model = model.to(self.device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._given = train
        self.train = train.to(self.device)
        if self.device.type == "cuda":
            self.train = self.train.packed()
        self.batches = Batches(self.train, training, model.supervised, seed=seed)
        self.own_batches = {
            name: Batches(self.train, training, model.supervised, seed=seed, stream=place)
            for place, (name, player) in enumerate(model.players.items())
            if player.own_batch
        }
        self.validation = validation.to(self.device)
        self.seed = seed
        self.steps = number_of_steps(training, len(train))
        warn_of_unfinished_schedules(model, self.steps)
        self.current_step = 0
        self.terms = Terms(self.model, training)
        self.parameters = self.terms.parameters
        default = Adam(training.learning_rate)
        self.adams = {name: p.optimizer or default for name, p in model.players.items()}
        self.optimizers = {
            name: torch.optim.Adam(
                parameters,
                lr=self.adams[name].learning_rate,
                betas=self.adams[name].betas,
                fused=True,
            )
            for name, parameters in self.parameters.items()
        }
        captured = CudaGraphStep if training.cuda_graph else lambda function: function
        self._measures: Mapping[str, Callable[[Batch, Noise, Settings], Measured]] = {
            name: captured(partial(self.terms.measure, name)) for name in self.parameters
        }
        self.noise_generator = torch.Generator(self.device).manual_seed(seed)
        self.sums: dict[str, float] = {}
        self.counts = {"taken": 0, "skipped": 0, "skipped_in_a_row": 0}
        self.nonfinite_batch: NonFiniteLossError | None = None
        self.best = Best()
        self.best_parameters: dict[str, Tensor] = {}
        self.validating = False
        """Whether held-out images are looked at, which changes nothing and can be broken off."""
        self._validated_step = 0
        self._records: list[Record] = []

    @property
    def finished(self) -> bool:
        """Whether the last step was taken, or patience is at its end."""
        patience = self.training.patience
        exhausted = patience is not None and self.best.evaluations_since >= patience
        return (self.current_step >= self.steps or exhausted) and not self._validation_is_due

    def begin(self) -> None:
        """Lets the model set its initial parameters from the training images; before any step.

        It does so on the CPU, whatever the device of the training.

        Raises:
            UsageError: the images are not of the kind that the model is for.
        """
        self.model.to("cpu").begin(self._given.to("cpu"), seed=self.seed)
        self.model.to(self.device)

    def step(self) -> list[Record]:
        """Takes one step of every player; returns the lines it adds to the log.

        Where a validation was broken off by an exception, the next call does that first.

        Raises:
            NonFiniteLossError: a loss or gradient is not finite; the parameters of that player
                were not changed. Where such steps are skipped: too many came in a row.
        """
        if not self._validation_is_due:
            self._update_all()
        if self._validation_is_due:
            self._records += self._validation_records()
            self._validated_step = self.current_step
        if self.finished and self.training.patience is not None:
            self.model.load_state_dict(self.best_parameters)
        records, self._records = self._records, []
        return records

    def _update_all(self) -> None:
        self.model.train()
        settings = self.model.settings(self.current_step)
        sums, noise = dict(self.sums), self.noise_generator.get_state()
        try:
            for name in self.parameters:
                self._update(name, settings)
            self.counts |= {"taken": self.counts["taken"] + 1, "skipped_in_a_row": 0}
        except NonFiniteLossError as error:
            self.sums = sums
            if not self._skips(error):
                self.noise_generator.set_state(noise)  # as it was before this step
                raise
        self.current_step += 1
        if self.current_step % self.training.log_every == 0 or self.current_step == self.steps:
            self._records += self._training_records(settings)

    @property
    def _validation_is_due(self) -> bool:
        at = self.current_step
        wanted = at > 0 and (at % self.training.validate_every == 0 or at == self.steps)
        return wanted and at != self._validated_step

    def state_dict(self) -> dict[str, Any]:
        """Returns all that is needed to resume later."""
        return {
            "step": self.current_step,
            "model": self.model.state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "noise_generator": self.noise_generator.get_state(),
            "sums": self.sums,
            "counts": self.counts,
            "best": {
                "objective": self.best.objective,
                "step": self.best.step,
                "looks_since": self.best.evaluations_since,
            },
            "best_parameters": self.best_parameters,
            "validated_step": self._validated_step,
            "records": self._records,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resumes the training whose `state_dict` this is.

        Raises:
            ValueError: it is the state of another training, or of none.
        """
        check_state(state, self.state_dict(), self.optimizers, self.steps)
        self.current_step = state["step"]
        self.model.load_state_dict(state["model"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.noise_generator.set_state(state["noise_generator"].cpu())
        self.sums = state["sums"]
        self.counts = state["counts"]
        best = state["best"]
        self.best = Best(best["objective"], best["step"], best["looks_since"])
        self.best_parameters = state["best_parameters"]
        # checkpoints from before a validation could be broken off are of a step that had its own
        self._validated_step = state.get("validated_step", self.current_step)
        self._records = state.get("records", [])

    def _update(self, player: str, settings: Settings) -> None:
        batch = self.batches.at(self.current_step)
        if player in self.own_batches:
            batch = joined(batch, self.own_batches[player].at(self.current_step))
        batch = self.terms.drawn(batch, self.noise_generator)
        noise = self.model.noise_of(player, len(batch.images), self.noise_generator)
        terms, gradients = self._measures[player](batch, noise, settings)
        # all numbers at once: the only wait for the device in a step
        numbers = dict(zip(terms, torch.stack(tuple(terms.values())).tolist(), strict=True))
        if not (math.isfinite(numbers.pop("norm")) and math.isfinite(numbers["objective"])):
            raise NonFiniteLossError(self.current_step, batch, noise, terms)
        parameters = self.parameters[player]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        if self.training.gradient_clip is not None:
            limit = self.training.gradient_clip
            torch.nn.utils.clip_grads_with_norm_(parameters, limit, terms["norm"])
        for group in self.optimizers[player].param_groups:
            group["lr"] = self._learning_rate(self.adams[player].learning_rate)
        self.optimizers[player].step()
        for term, number in numbers.items():
            name = self.terms.log_name(player, term)
            self.sums[name] = self.sums.get(name, 0.0) + number

    def _learning_rate(self, base: float) -> float:
        if self.training.schedule == "constant":
            return base
        return base * 0.5 * (1 + math.cos(math.pi * self.current_step / self.steps))

    def _skips(self, error: NonFiniteLossError) -> bool:
        """Whether to skip this step: if asked to, and not too often in a row."""
        if self.training.on_nan == "stop":
            return False
        row = self.counts["skipped_in_a_row"] + 1
        if row == MOST_SKIPPED:
            error.args = (f"{row} steps in a row had to be skipped, and no end to it: {error}",)
            return False
        self.nonfinite_batch = self.nonfinite_batch or error
        self.counts |= {"skipped": self.counts["skipped"] + 1, "skipped_in_a_row": row}
        return True

    def _training_records(self, settings: Settings) -> list[Record]:
        """Mean terms since the last record; empty if every step was skipped."""
        taken, skipped = self.counts["taken"], self.counts["skipped"]
        if not taken:
            return []
        means = {name: total / taken for name, total in self.sums.items()}
        self.sums, self.counts = {}, self.counts | {"taken": 0, "skipped": 0}
        record = {"split": "train", "step": self.current_step, **means, **settings}
        return [record | ({"skipped": skipped} if self.training.on_nan == "skip" else {})]

    def _validation_records(self) -> list[Record]:
        """Validates on held-out images, and on training images if asked to."""
        self.validating = True
        try:
            terms = self.validate(self.validation, self.training.validation_images)
            records = [{"split": "validation", "step": self.current_step, **terms}]
            if self.training.training_images:
                seen = self.validate(self.train, self.training.training_images)
                records.append({"split": "training", "step": self.current_step, **seen})
        finally:
            self.validating = False
        self._compare(terms)
        return records

    def validate(self, dataset: FactorDataset, images: int) -> dict[str, float]:
        """Returns the terms on the first images of a set, weighed by the settings of the last step.

        The noise is the same at each call, and so are the weights, so that two calls differ only
        by what was learnt between them.
        """
        return self.terms.validated(dataset, images, self.model.settings(self.steps))

    def _compare(self, terms: dict[str, float]) -> None:
        """Keeps the parameters if they are the best so far."""
        if terms["objective"] < self.best.objective - self.training.minimal_gain:
            self.best = Best(terms["objective"], self.current_step)
            if self.training.patience is not None:
                self.best_parameters = {
                    name: value.clone() for name, value in self.model.state_dict().items()
                }
        else:
            self.best = self.best._replace(evaluations_since=self.best.evaluations_since + 1)


def fit(
    model: Model,
    train: FactorDataset,
    validation: FactorDataset,
    training: Training,
    *,
    seed: int = 0,
    on_record: Callable[[Record], None] = lambda _: None,
) -> None:
    """Trains a model from beginning to end.

    Args:
        model: trained in place.
        train: images to learn from.
        validation: held-out images.
        training: how.
        seed: decides order of images and noise.
        on_record: called with each line of the log: `split`, `step`, the terms in nats per image.

    Raises:
        UsageError: the images are too large for the model to be trained on them.
        NonFiniteLossError: as in `Trainer.step`.

    Warns:
        RunWarning: the training ends before the model's weights are at their last values.
    """
    trainer = Trainer(model, train, validation, training, seed=seed)
    trainer.begin()
    while not trainer.finished:
        for record in trainer.step():
            on_record(record)
