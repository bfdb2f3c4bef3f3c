"""Training: the settings, the loop, the device."""

from distaff.training.fit import Fit, fit
from distaff.training.settings import Training, number_of_steps

__all__ = ["Fit", "Training", "fit", "number_of_steps"]
