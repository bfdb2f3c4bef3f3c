"""Inference with a trained model: codes, bounds, posteriors by optimisation, completions."""

from distaff.inference.bounds import elbo, importance_weighted_bound
from distaff.inference.complete import Completion, complete, hidden_log_likelihood, mask
from distaff.inference.optimise import Inference, infer

__all__ = [
    "Completion",
    "Inference",
    "complete",
    "elbo",
    "hidden_log_likelihood",
    "importance_weighted_bound",
    "infer",
    "mask",
]
