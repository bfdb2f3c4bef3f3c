"""Figures: arrays in, matplotlib figure out."""

from distaff.figures.confusion_matrix import confusion_matrix
from distaff.figures.interpolations import interpolations
from distaff.figures.metric_audit import AuditPanel, metric_audit
from distaff.figures.reconstructions import reconstructions
from distaff.figures.relation_matrix import relation_matrix
from distaff.figures.samples import samples
from distaff.figures.training_curves import training_curves
from distaff.figures.traversals import traversals

__all__ = [
    "AuditPanel",
    "confusion_matrix",
    "interpolations",
    "metric_audit",
    "reconstructions",
    "relation_matrix",
    "samples",
    "training_curves",
    "traversals",
]
