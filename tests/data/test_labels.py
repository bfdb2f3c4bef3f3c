"""Which images are labelled, and what a model sees of the others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distaff.data import FactorDataset, load
from distaff.errors import DataError, UsageError
from distaff.models import VAE
from distaff.training import Trainer, Training
from distaff.types import Batch, LossTerms, Noise

SMALL: dict[str, Any] = {"size": 16, "positions_x": 8, "positions_y": 8}


def train_of(**settings: object) -> FactorDataset:
    return load("sprites", **SMALL, **settings).split("train")


def test_all_images_are_labelled_unless_the_data_set_says_otherwise() -> None:
    assert train_of().labelled.all()


def test_so_many_training_images_are_labelled_and_more_are_these_and_others() -> None:
    few, many = train_of(labelled=20).labelled, train_of(labelled=50).labelled
    assert int(few.sum()) == 20
    assert int(many.sum()) == 50
    assert not (few & ~many).any()
    assert not torch.equal(few, train_of(labelled=20, label_seed=1).labelled)


def test_held_out_images_stay_labelled() -> None:
    assert load("sprites", **SMALL, labelled=20).split("test").labelled.all()


def test_a_file_lists_the_labelled_rows(tmp_path: Path) -> None:
    rows = load("sprites", **SMALL).splits["train"][[3, 5, 8]]
    np.save(tmp_path / "rows.npy", rows.numpy())
    data = load("sprites", **SMALL, labelled=str(tmp_path / "rows.npy"))
    train = set(data.splits["train"].tolist())
    assert {r for r in data.labelled.nonzero().flatten().tolist() if r in train} == set(
        rows.tolist()
    )


def test_wrong_labels_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="labelled is 100000"):
        train_of(labelled=100_000)
    with pytest.raises(DataError, match="no file of labelled rows"):
        train_of(labelled=str(tmp_path / "rows.npy"))
    outside = load("sprites", **SMALL).splits["test"][:1]
    np.save(tmp_path / "rows.npy", outside.numpy())
    with pytest.raises(DataError, match=f"lists image {outside.item()}"):
        train_of(labelled=str(tmp_path / "rows.npy"))


class Curious(VAE):
    """Reads whatever factors it gets."""

    supervised = True
    seen: torch.Tensor

    def vae_terms(self, batch: Batch, noise: Noise) -> LossTerms:
        self.seen = batch.factors
        return super().vae_terms(batch, noise)


def trainer_of(data: FactorDataset, **settings: int) -> tuple[Trainer, Curious]:
    torch.manual_seed(0)
    model = Curious(VAE.Config(latents=2), data.spec)
    training = Training(steps=8, batch_size=16, validate_every=8, **settings)  # type: ignore[arg-type]
    return Trainer(model, data, data, training, seed=0), model


def test_a_model_that_reads_the_factors_of_unlabelled_images_gets_minus_one() -> None:
    data = train_of()
    trainer, model = trainer_of(train_of(labelled=len(data) // 2))
    batch = trainer.batches.at(0)
    assert 0 < int(batch.labelled.sum()) < 16
    trainer.step()
    assert (model.seen[~batch.labelled] == -1).all()
    assert torch.equal(model.seen[batch.labelled], batch.factors[batch.labelled])


def test_a_batch_holds_as_many_labelled_images_as_the_training_says() -> None:
    data = train_of(labelled=10)
    trainer, _ = trainer_of(data, labelled_per_batch=4)
    seen = []
    for step in range(5):
        batch = trainer.batches.at(step)
        assert int(batch.labelled.sum()) == 4
        assert len(batch.images) == 16
        seen.append(batch.images[batch.labelled])
    # two passes over ten images: in each, eight of them once
    assert len(torch.cat(seen[:2]).flatten(1).unique(dim=0)) == 8


def test_more_labelled_images_than_there_are_come_several_times_in_a_batch() -> None:
    trainer, _ = trainer_of(train_of(labelled=3), labelled_per_batch=7)
    batch = trainer.batches.at(0)
    assert int(batch.labelled.sum()) == 7
    assert len(batch.images[batch.labelled].flatten(1).unique(dim=0)) == 3


def test_labelled_images_are_asked_for_where_there_are_some() -> None:
    with pytest.raises(UsageError, match="labelled_per_batch is 4"):
        trainer_of(train_of(), labelled_per_batch=4)
    with pytest.raises(UsageError, match="labelled_per_batch is 16"):
        trainer_of(train_of(labelled=10), labelled_per_batch=16)
