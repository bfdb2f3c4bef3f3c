"""Value against the number of images: its entries and its figure."""

from typing import Any

import numpy as np
import pytest
from stand_in import stand_in

from distaff.audit import sizes as sizes_module
from distaff.audit.known_cases import data_set
from distaff.audit.scores import QUESTIONS
from distaff.audit.sizes import CODES, SizeEntry, audit_sizes, sizes_figure
from distaff.errors import UsageError
from distaff.figures.metric_sizes import COLUMNS
from distaff.metrics import udr
from distaff.metrics.score import Score

FAST = ("mutual-information-gap", "partition-score", "udr")


@pytest.fixture(scope="module")
def entries() -> Any:
    return audit_sizes(data_sets={200: 3, 400: 1}, metrics=FAST, seed=5)


def one(entries: Any, **wanted: Any) -> Any:
    (entry,) = [e for e in entries if all(getattr(e, k) == v for k, v in wanted.items())]
    return entry


def test_an_entry_has_mean_and_spread_over_its_data_sets(entries: Any) -> None:
    values = []
    for seed in (5, 6, 7):
        given = data_set("noise of half the spread", 200, seed)
        values.append(udr(given.tables, repeats=0, seed=seed).value)
    entry = one(entries, metric="udr", code="noise of half the spread", rows=200)
    assert entry.value == pytest.approx(np.mean(values))
    assert entry.spread == pytest.approx(np.std(values, ddof=1))
    assert entry.data_sets == 3
    assert one(entries, metric="udr", code="noise", rows=400).spread is None


def test_an_entry_has_the_limit_where_it_is_known(entries: Any) -> None:
    continuous = {"code": "continuous, ρ = 0.9", "rows": 400}
    assert one(entries, metric="mutual-information-gap", **continuous).expected == 0.81
    assert one(entries, metric="udr", code="noise of half the spread", rows=400).expected is None
    assert one(entries, metric="udr", code="noise", rows=400).expected == 0


def test_what_cannot_be_asked_has_no_entry(entries: Any) -> None:
    asked = {entry.code for entry in entries if entry.metric == "partition-score"}
    assert asked == {"noise of half the spread", "noise"}


def test_values_are_shares_of_the_best(entries: Any) -> None:
    best = [entry.value for entry in entries if entry.metric == "partition-score"]
    assert 0 < max(best) < 1


def by_number(codes: Any, *_: Any, factor_kinds: Any = None, **__: Any) -> Any:  # noqa: ARG001
    if len(codes) == 300:
        raise ZeroDivisionError("by design")
    return Score(100 / len(codes), None, 0.0, 1.0, "", {})


def test_a_score_that_depends_on_the_number_is_seen_to_and_one_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in(monkeypatch, "sap", by_number)
    done = []
    found = audit_sizes(
        data_sets={200: 2, 300: 1, 500: 2}, metrics=["sap"], on_progress=lambda *n: done.append(n)
    )
    noise = {entry.rows: entry for entry in found if entry.code == "noise"}
    assert (noise[200].value, noise[500].value) == (0.5, 0.2)
    assert noise[200].spread == 0
    assert noise[300] == SizeEntry(
        "sap", "noise", 300, 0, None, None, 0.0, "ZeroDivisionError: by design"
    )
    assert done == [(number, 15) for number in range(1, 16)]


def test_processes_find_the_same(entries: Any) -> None:
    assert audit_sizes(data_sets={200: 3, 400: 1}, metrics=FAST, seed=5, processes=2) == entries


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="is not known; give some of"):
        audit_sizes(metrics=["migg"])


def test_the_figure_has_a_panel_for_each_score_with_curve_band_and_limit(entries: Any) -> None:
    figure = sizes_figure(entries)
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == len(FAST)
    assert [axes.get_title("left").replace("\n", "") for axes in shown] == list(FAST)
    gap = shown[0]
    curve = next(
        line
        for line in gap.lines
        if len(line.get_xdata()) == 2 and line.get_marker() == "o"  # type: ignore[arg-type]
    )
    assert list(curve.get_xdata()) == [200, 400]  # type: ignore[arg-type]
    first = [one(entries, metric=FAST[0], code=CODES[0], rows=n).value for n in (200, 400)]
    assert list(curve.get_ydata()) == pytest.approx(first)  # type: ignore[arg-type]
    limits = [line for line in gap.lines if line.get_linestyle() == "--"]
    assert len(limits) == 3
    assert len(gap.collections) == 3
    legend = [text.get_text() for text in figure.legends[0].texts]
    assert legend == [*CODES, "limit"]


def test_thirty_scores_fit_a_page_without_overlap() -> None:
    names = [*QUESTIONS, *(f"{name} again" for name in QUESTIONS)][:30]
    cells = [
        SizeEntry(name, code, rows, 2, 0.5, 0.1, 0.4)
        for name in names
        for code in CODES
        for rows in sizes_module.DATA_SETS
    ]
    figure = sizes_figure(cells)
    assert figure.get_size_inches()[1] < 9
    figure.draw_without_rendering()
    boxes = [axes._left_title.get_window_extent() for axes in figure.axes]  # type: ignore[attr-defined]
    for place, box in enumerate(boxes):
        if place % COLUMNS < COLUMNS - 1:
            assert box.x1 <= boxes[place + 1].x0
        if place >= COLUMNS:
            assert box.y1 <= figure.axes[place - COLUMNS].get_window_extent().y0
