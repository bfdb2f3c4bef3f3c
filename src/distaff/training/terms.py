"""What a player's step measures: its terms, its objective and the gradient of that."""

import torch
from torch import Tensor

from distaff.data import FactorDataset
from distaff.data.binarize import binarize
from distaff.models import Model
from distaff.training.batches import joined
from distaff.training.device import allow_tf32
from distaff.training.settings import Training
from distaff.types import Batch, LossTerms, Noise, Settings

Measured = tuple[LossTerms, tuple[Tensor, ...]]
"""Terms, with the objective and the norm of its gradient, and that gradient."""
VALIDATION_BATCH = 512


class Terms:
    """The terms of every player of a model, in the number format of a training."""

    def __init__(self, model: Model, training: Training) -> None:
        self.model = model
        self.training = training
        self.parameters = {
            name: [p for module in player.modules for p in model.get_submodule(module).parameters()]
            for name, player in model.players.items()
        }

    def measure(self, player: str, batch: Batch, noise: Noise, settings: Settings) -> Measured:
        """Returns the terms of a player's step with its gradient; nothing is changed."""
        with allow_tf32(self.training.precision == "tf32"):
            terms, loss = self._loss(batch, noise, player, settings)
            parameters = self.parameters[player]
            gradients = tuple(map(_in_layout, torch.autograd.grad(loss, parameters), parameters))
        norm = torch.nn.utils.get_total_norm(gradients)
        return {**terms, "objective": loss, "norm": norm}, gradients

    def log_name(self, player: str, term: str) -> str:
        """The name of a term in the log; the first player's objective is `objective`."""
        first = player == next(iter(self.parameters))
        return f"{player} objective" if term == "objective" and not first else term

    def drawn(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The images that the model sees: as they are, or drawn from their grey levels."""
        if not self.training.binarize:
            return batch
        return batch._replace(images=binarize(batch.images, generator))

    @torch.no_grad()
    def validated(
        self, dataset: FactorDataset, images: int, settings: Settings
    ) -> dict[str, float]:
        """Returns the terms and objectives of all players on the first images of a set.

        The noise is the same at each call, so that two calls with the same settings differ only by
        what was learnt between them.
        """
        self.model.eval()
        count = min(images, len(dataset))
        sums: dict[str, float] = {}
        for player in self.parameters:
            generator = torch.Generator(self.model.device).manual_seed(0)
            for rows in torch.arange(count, device=self.model.device).split(VALIDATION_BATCH):
                batch = dataset.batch_at(rows, labelled=self.model.supervised)
                if self.model.players[player].own_batch:
                    others = (rows + count // 2) % count
                    batch = joined(batch, dataset.batch_at(others, labelled=self.model.supervised))
                batch = self.drawn(batch, generator)
                noise = self.model.noise_of(player, len(batch.images), generator)
                with allow_tf32(self.training.precision == "tf32"):
                    terms, loss = self._loss(batch, noise, player, settings)
                for term, value in (*terms.items(), ("objective", loss)):
                    name = self.log_name(player, term)
                    sums[name] = sums.get(name, 0.0) + value.item() * len(rows) / count
        return sums

    def _loss(
        self, batch: Batch, noise: Noise, player: str, settings: Settings
    ) -> tuple[LossTerms, Tensor]:
        narrow = self.training.precision == "bfloat16"
        with torch.autocast(self.model.device.type, dtype=torch.bfloat16, enabled=narrow):
            terms = self.model.loss_terms(batch, noise, player)
        return terms, self.model.players[player].objective(terms, settings)


def _in_layout(gradient: Tensor, parameter: Tensor) -> Tensor:
    """The gradient, with its numbers in memory in the order of its parameter's.

    `loss.backward()` sees to that; `torch.autograd.grad` does not. Fused Adam on a CPU goes through
    both in the order of memory, so that another layout moves the wrong weights without an error.
    """
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)
