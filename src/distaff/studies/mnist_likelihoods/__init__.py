"""Document 001: which likelihood for grey digits, and what the latent space holds."""

from distaff.studies.mnist_likelihoods.study import MnistLikelihoods

__all__ = ["MnistLikelihoods"]
