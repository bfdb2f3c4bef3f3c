"""The sentences and tables of docs/metrics.md say what the audit found."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from distaff.audit import Entry
from distaff.audit.coverage import CoverageEntry
from distaff.audit.sizes import SizeEntry


@pytest.fixture(scope="module")
def page() -> Any:
    path = Path(__file__).parents[2] / "docs" / "make_metrics.py"
    spec = spec_from_file_location("make_metrics", path)
    module = module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def entry(metric: Any, code: Any, value: Any, expected: Any) -> Any:
    return Entry(metric, "default", code, value, expected, value, 0.0, 1.0, 300, 0.1)


def test_answers_that_are_off_are_counted_by_question(page: Any) -> None:
    entries = [
        entry("sap", "perfect", 0.98, 1.0),
        entry("sap", "half noise", 0.3, None),
        entry("jemmig", "perfect", 0.99, 1.0),
        entry("jemmig", "each latent twice", 0.6, 0.0),
        entry("udr", "perfect", 0.5, 1.0),
    ]
    assert page.verdicts(entries) == (
        "- *one latent a factor:* `sap` 0 of 1, `jemmig` 1 of 2\n- *seeds agree:* `udr` 1 of 1"
    )
    assert page.fooled(entries, "sap") == "nothing in the audit"
    assert page.fooled(entries, "jemmig") == "each latent twice 0.60 (0.00)"


def test_scores_that_drift_or_miss_their_limit_are_listed_and_no_others(page: Any) -> None:
    def curve(metric: Any, values: Any, limit: Any) -> Any:
        sizes = (200, 1_000, 30_000)
        return [
            SizeEntry(metric, "noise", rows, 2, value, 0.1, limit)
            for rows, value in zip(sizes, values, strict=True)
        ]

    entries = [
        *curve("sap", (0.3, 0.2, 0.1), None),
        *curve("jemmig", (0.1, 0.5, 0.52), 0.8),
        *curve("udr", (0.1, 0.79, 0.8), 0.8),
    ]
    lines = page.drifts(entries).split("\n")
    assert lines[0] == "| score | code | 200 | 1,000 | 30,000 | limit |"
    assert lines[2:] == [
        "| `jemmig` | noise | 0.10 | 0.50 | 0.52 | 0.80 |",
        "| `sap` | noise | 0.30 | 0.20 | 0.10 |  |",
    ]


def test_intervals_that_are_too_narrow_or_too_wide_are_named(page: Any) -> None:
    coverage = [
        CoverageEntry("sap", 1000, 100, 0.95, 0.89, 0.98, 0.5, 0.01, 0.021),
        CoverageEntry("udr", 1000, 100, 0.8, 0.71, 0.87, 0.5, 0.01, 0.013),
        CoverageEntry("dci", 1000, 100, 1.0, 0.96, 1.0, 0.5, 0.01, 0.1),
        CoverageEntry("med", 1000, 100, 1.0, 0.96, 1.0, 1.0, 0.0, 0.0),
        CoverageEntry("jemmig", 1000, 0),
    ]
    assert page.false_intervals(coverage) == (
        "Of 4 scores with an interval, 3 are consistent with 95 % or more; too narrow: `udr` 80 % "
        "(71–87). The half width should be two standard deviations of the score; it is much more "
        "for `dci` 10.0."
    )
    assert [page.percent(e) for e in coverage] == [
        "95 % (89–98)",
        "80 % (71–87)",
        "100 % (96–100)",
        "100 % (96–100)",
        "",
    ]
