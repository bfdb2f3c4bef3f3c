"""Figures: arrays in, matplotlib figure out."""

from distaff.figures.checkerboard import checkerboard
from distaff.figures.interpolations import interpolations
from distaff.figures.latent_geometry import latent_geometry
from distaff.figures.metric_audit import AuditPanel, metric_audit
from distaff.figures.reconstructions import reconstructions
from distaff.figures.relation_matrix import relation_matrix
from distaff.figures.samples import samples
from distaff.figures.side_by_side import Side, side_by_side
from distaff.figures.training_curves import training_curves
from distaff.figures.traversals import traversals

__all__ = [
    "AuditPanel",
    "Side",
    "checkerboard",
    "interpolations",
    "latent_geometry",
    "metric_audit",
    "reconstructions",
    "relation_matrix",
    "samples",
    "side_by_side",
    "training_curves",
    "traversals",
]
