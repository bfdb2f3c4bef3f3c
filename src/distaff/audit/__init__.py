"""Every score on codes whose quality is known: which of them can be believed, and for what."""

from distaff.audit.codes import ROWS, Entry, audit, audit_figure

__all__ = ["ROWS", "Entry", "audit", "audit_figure"]
