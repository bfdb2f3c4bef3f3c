"""Figures: arrays in, matplotlib figure out."""

from collections.abc import Callable

from matplotlib.figure import Figure

from distaff.figures.checkerboard import checkerboard
from distaff.figures.column_blocks import column_blocks
from distaff.figures.confusion_matrix import confusion_matrix
from distaff.figures.elbo_curves import elbo_curves
from distaff.figures.image_grid import image_grid
from distaff.figures.image_panels import image_panels, pairs
from distaff.figures.interpolations import interpolations
from distaff.figures.intervals import intervals
from distaff.figures.latent_geometry import latent_geometry
from distaff.figures.latent_map import latent_map
from distaff.figures.metric_audit import AuditPanel, metric_audit
from distaff.figures.metric_sizes import SizePanel, metric_sizes
from distaff.figures.reconstructions import reconstructions
from distaff.figures.relation_matrix import relation_matrix
from distaff.figures.samples import samples
from distaff.figures.score_against_setting import score_against_setting
from distaff.figures.side_by_side import Side, side_by_side
from distaff.figures.term_curves import term_curves
from distaff.figures.training_curves import training_curves
from distaff.figures.traversals import traversals
from distaff.registry import Registry

FIGURES: Registry[Callable[..., Figure]] = Registry("distaff.figures", "figure", accepts=callable)
"""Figures of a run by name: functions of an opened run. `illustrate.py` adds distaff's own."""
register = FIGURES.register

__all__ = [
    "FIGURES",
    "AuditPanel",
    "Side",
    "SizePanel",
    "checkerboard",
    "column_blocks",
    "confusion_matrix",
    "elbo_curves",
    "image_grid",
    "image_panels",
    "interpolations",
    "intervals",
    "latent_geometry",
    "latent_map",
    "metric_audit",
    "metric_sizes",
    "pairs",
    "reconstructions",
    "register",
    "relation_matrix",
    "samples",
    "score_against_setting",
    "side_by_side",
    "term_curves",
    "training_curves",
    "traversals",
]
