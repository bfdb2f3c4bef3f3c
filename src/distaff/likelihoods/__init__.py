"""Likelihoods of pixels, by name."""

from distaff.likelihoods.base import Likelihood, LikelihoodConfig
from distaff.likelihoods.bernoulli import Bernoulli
from distaff.likelihoods.beta import Beta
from distaff.likelihoods.categorical import Categorical
from distaff.likelihoods.continuous_bernoulli import ContinuousBernoulli
from distaff.likelihoods.discretized_logistic import DiscretizedLogistic
from distaff.likelihoods.gaussian import Gaussian, LearnedGaussian
from distaff.registry import Registry

LIKELIHOODS: Registry[type[Likelihood]] = Registry(
    "distaff.likelihoods",
    "likelihood",
    {
        "bernoulli": Bernoulli,
        "continuous-bernoulli": ContinuousBernoulli,
        "gaussian": Gaussian,
        "learned-gaussian": LearnedGaussian,
        "beta": Beta,
        "categorical": Categorical,
        "discretized-logistic": DiscretizedLogistic,
    },
    config=LikelihoodConfig,
)
register = LIKELIHOODS.register

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
    "register",
]
