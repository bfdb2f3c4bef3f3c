"""Trainings taken step by step, to the end."""

from distaff.training.trainer import Trainer


def run(trainer: Trainer) -> list[dict]:  # type: ignore[type-arg]
    """Returns all lines of the log of a training."""
    records = []
    while not trainer.finished:
        records += trainer.step()
    return records
