"""Likelihoods of pixels, by name."""

from distaff.likelihoods.base import Likelihood
from distaff.likelihoods.bernoulli import Bernoulli
from distaff.likelihoods.beta import Beta
from distaff.likelihoods.categorical import Categorical
from distaff.likelihoods.continuous_bernoulli import ContinuousBernoulli
from distaff.likelihoods.discretized_logistic import DiscretizedLogistic
from distaff.likelihoods.gaussian import Gaussian, LearnedGaussian

LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "continuous-bernoulli": ContinuousBernoulli,
    "gaussian": Gaussian,
    "learned-gaussian": LearnedGaussian,
    "beta": Beta,
    "categorical": Categorical,
    "discretized-logistic": DiscretizedLogistic,
}

__all__ = [
    "LIKELIHOODS",
    "Bernoulli",
    "Beta",
    "Categorical",
    "ContinuousBernoulli",
    "DiscretizedLogistic",
    "Gaussian",
    "LearnedGaussian",
    "Likelihood",
]
