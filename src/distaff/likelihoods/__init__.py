"""Likelihoods of pixels, by name."""

from distaff.likelihoods.base import Likelihood
from distaff.likelihoods.bernoulli import Bernoulli
from distaff.likelihoods.gaussian import Gaussian, LearnedGaussian

LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "gaussian": Gaussian,
    "learned-gaussian": LearnedGaussian,
}

__all__ = ["LIKELIHOODS", "Bernoulli", "Gaussian", "LearnedGaussian", "Likelihood"]
