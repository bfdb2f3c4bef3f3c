"""Weights that change during training, and trainings that end before they have."""

import warnings

from distaff.errors import RunWarning
from distaff.models import Model


def warn_of_unfinished_schedules(model: Model, steps: int) -> None:
    """Warns where a training is shorter than a schedule of its model.

    Args:
        model: about to be trained.
        steps: of the training.

    Warns:
        RunWarning: which setting is too long, and where its weight ends instead.
    """
    for name, length in model.schedules().items():
        if length <= steps:
            continue
        last, intended = model.settings(steps), model.settings(length)
        ends = ", ".join(
            f"{weight} ends at {float(last[weight]):g} instead of {float(value):g}"
            for weight, value in intended.items()
            if float(value) != float(last[weight])
        )
        warnings.warn(
            f"{name} is {length:,} and the training has {steps:,} steps, so that {ends}; train "
            f"longer or lower {name}.",
            RunWarning,
            stacklevel=2,
        )
