"""Document 002: a VAE and a conditional VAE on MNIST, and whether the digits are the right ones."""

from distaff.studies.mnist_conditional.study import MnistConditional

__all__ = ["MnistConditional"]
