"""Trainings taken step by step, to the end."""

from distaff.training.fit import Fit


def run(fitting: Fit) -> list[dict]:
    """Returns all lines of the log of a training."""
    records = []
    while not fitting.finished:
        records += fitting.advance()
    return records
