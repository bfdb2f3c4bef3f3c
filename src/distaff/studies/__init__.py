"""Studies, by name: each works out a document from end to end."""

from distaff.studies.base import Budget, Step, Study, Watcher, Workbench, conduct, plan
from distaff.studies.mnist_likelihoods import MnistLikelihoods

STUDIES: dict[str, type[Study]] = {
    "mnist-likelihoods": MnistLikelihoods,
}

__all__ = [
    "STUDIES",
    "Budget",
    "MnistLikelihoods",
    "Step",
    "Study",
    "Watcher",
    "Workbench",
    "conduct",
    "plan",
]
