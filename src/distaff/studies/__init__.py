"""Studies, by name: each works out a document from end to end."""

from distaff.studies.base import Budget, Study, Workbench
from distaff.studies.conduct import Step, Watcher, conduct, plan, study_folder
from distaff.studies.mnist_conditional import MnistConditional
from distaff.studies.mnist_likelihoods import MnistLikelihoods
from distaff.studies.spatial_broadcast import SpatialBroadcast

STUDIES: dict[str, type[Study]] = {
    "mnist-conditional": MnistConditional,
    "mnist-likelihoods": MnistLikelihoods,
    "spatial-broadcast": SpatialBroadcast,
}

__all__ = [
    "STUDIES",
    "Budget",
    "MnistConditional",
    "MnistLikelihoods",
    "SpatialBroadcast",
    "Step",
    "Study",
    "Watcher",
    "Workbench",
    "conduct",
    "plan",
    "study_folder",
]
