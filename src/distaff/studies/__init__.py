"""Studies, by name: each works out a document from end to end."""

from distaff.registry import Registry
from distaff.studies.dsprites.study import DSpritesStudy
from distaff.studies.mnist_conditional.study import MnistConditional
from distaff.studies.mnist_likelihoods.study import MnistLikelihoods
from distaff.studies.runner import Step, StudyProgress, plan, run_study, study_folder
from distaff.studies.spatial_broadcast.study import SpatialBroadcast
from distaff.studies.study import Budget, Study, StudyContext

STUDIES: Registry[type[Study]] = Registry(
    "distaff.studies",
    "study",
    {
        "dsprites": DSpritesStudy,
        "mnist-conditional": MnistConditional,
        "mnist-likelihoods": MnistLikelihoods,
        "spatial-broadcast": SpatialBroadcast,
    },
    accepts=lambda thing: isinstance(thing, type) and issubclass(thing, Study),
    # by the courses that gave the documents as homework
    aliases={
        "cs699": "dsprites",
        "cs-699": "dsprites",
        "2amu20": "mnist-likelihoods",
        "hw6": "mnist-conditional",
        "csci-1470": "mnist-conditional",
        "csci-2470": "mnist-conditional",
    },
)
register = STUDIES.register

__all__ = [
    "STUDIES",
    "Budget",
    "DSpritesStudy",
    "MnistConditional",
    "MnistLikelihoods",
    "SpatialBroadcast",
    "Step",
    "Study",
    "StudyContext",
    "StudyProgress",
    "plan",
    "register",
    "run_study",
    "study_folder",
]
