"""Scores that train a classifier or intervene, on codes whose quality is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distaff.metrics.beta_vae_score import beta_vae_score
from distaff.metrics.dci import dci
from distaff.metrics.dci_es import dci_es
from distaff.metrics.downstream_accuracy import downstream_accuracy
from distaff.metrics.explicitness import explicitness
from distaff.metrics.factor_vae_score import factor_vae_score
from distaff.metrics.interventional_robustness import interventional_robustness
from distaff.metrics.sap import sap
...
