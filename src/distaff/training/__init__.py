"""Training: the settings, the loop, the device."""

from distaff.training.settings import Training, number_of_steps
from distaff.training.trainer import Trainer, fit

__all__ = ["Trainer", "Training", "fit", "number_of_steps"]
