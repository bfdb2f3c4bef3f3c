"""Studies, by name: each works out a document from end to end."""

from distaff.studies.base import Budget, Step, Study, Watcher, Workbench, conduct, plan

STUDIES: dict[str, type[Study]] = {}

__all__ = [
    "STUDIES",
    "Budget",
    "Step",
    "Study",
    "Watcher",
    "Workbench",
    "conduct",
    "plan",
]
