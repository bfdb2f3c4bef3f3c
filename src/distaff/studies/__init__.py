"""Studies, by name: each works out a document from end to end."""

from distaff.studies.mnist_conditional.study import MnistConditional
from distaff.studies.mnist_likelihoods.study import MnistLikelihoods
from distaff.studies.runner import Step, Watcher, conduct, plan, study_folder
from distaff.studies.spatial_broadcast.study import SpatialBroadcast
from distaff.studies.study import Budget, Study, Workbench

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
