"""The parts of the audit, run one after the other, and their figures."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from distaff.audit.codes import ROWS, Entry, audit, audit_figure
from distaff.audit.coverage import CoverageEntry, audit_coverage
from distaff.audit.sizes import SizeEntry, audit_sizes, sizes_figure

Content = Mapping[str, list[dict[str, Any]]]
"""The fields of the entries of each part, as JSON holds them."""
PARTS = ("codes", "size", "coverage")


def audit_parts(
    parts: Sequence[str] = PARTS,
    *,
    rows: int = ROWS,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    on_start: Callable[[str], None],
    on_progress: Callable[[int, int], None],
) -> tuple[Content, Mapping[str, Figure]]:
    """Returns the entries of the parts and their figures by name, measured on all cores.

    Args:
        parts: some of `PARTS`.
        rows: images of the part "codes".
        metrics: names of scores; by default all.
        seed: of factors, noise and scores.
        on_start: called with the name of each part when it begins.
        on_progress: called with how many measurements of the part are done, and how many there are.

    Raises:
        UsageError: a score that is not known.
    """
    settings: dict[str, Any] = {
        "metrics": metrics,
        "seed": seed,
        "processes": -1,
        "on_progress": on_progress,
    }
    run: dict[str, Callable[[], Sequence[Entry | SizeEntry | CoverageEntry]]] = {
        "codes": lambda: audit(rows=rows, **settings),
        "size": lambda: audit_sizes(**settings),
        "coverage": lambda: audit_coverage(**settings),
    }
    content = {}
    for part in PARTS:
        if part in parts:
            on_start(part)
            content[part] = [entry._asdict() for entry in run[part]()]
    return content, figures_of(content)


def figures_of(content: Content) -> Mapping[str, Figure]:
    """Returns the figures of the parts, by the names of their files."""
    figures = {}
    if "codes" in content:
        figures["metric-audit"] = audit_figure([Entry(**fields) for fields in content["codes"]])
    if "size" in content:
        entries = [SizeEntry(**fields) for fields in content["size"]]
        figures["metric-audit-size"] = sizes_figure(entries)
    return figures
