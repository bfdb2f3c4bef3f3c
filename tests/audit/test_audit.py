"""The audit itself: its codes, its entries and its figure."""

import json
import subprocess
import sys
from inspect import Parameter, Signature
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_in import stand_in

from distaff.audit import audit, audit_figure
from distaff.audit import parts as audit_parts_module
from distaff.audit.known_cases import KNOWN, data_set
from distaff.audit.known_codes import CODES, SIZES, Question
from distaff.audit.scores import QUESTIONS, score_of
from distaff.cli import main
from distaff.errors import UsageError
from distaff.figures import AuditPanel, metric_audit
from distaff.metrics import METRICS
from distaff.metrics.score import Score

FAST = ("mutual-information-gap", "factor-vae-score", "gaussian-total-correlation", "udr")
ROWS = 500


def one(entries: Any, **wanted: Any) -> Any:
    (entry,) = [e for e in entries if all(getattr(e, k) == v for k, v in wanted.items())]
    return entry


@pytest.fixture(scope="module")
def entries() -> Any:
    return audit(rows=ROWS, metrics=FAST, codes=["perfect", "one dead latent more", "noise"])


def test_every_score_has_a_question() -> None:
    assert set(QUESTIONS) == set(METRICS)


def test_codes_keep_the_rows_and_say_what_to_expect_of_every_question() -> None:
    factors = np.random.default_rng(0).integers(0, SIZES, size=(200, len(SIZES)))
    for code in KNOWN.values():
        made = code.make(factors, np.random.default_rng(1))
        assert made.shape[0] == len(code.factors(200, 1)) == 200
        assert set(code.expected) == set(Question)
        assert all(answer is None or 0 <= answer <= 1 for answer in code.expected.values())


def test_latents_are_turned_in_their_plane() -> None:
    factors = np.random.default_rng(0).integers(0, SIZES, size=(200, len(SIZES)))
    turned, straight = (
        CODES[name].make(factors, np.random.default_rng(1))
        for name in ("position turned 45°", "perfect")
    )
    assert turned[:, :3] == pytest.approx(straight[:, :3])
    assert (turned**2).sum(axis=1) == pytest.approx((straight**2).sum(axis=1))
    assert turned[:, 3] == pytest.approx((straight[:, 3] + straight[:, 4]) / np.sqrt(2))


def test_a_perfect_code_is_near_the_ceiling_and_noise_near_chance(entries: Any) -> None:
    for metric in FAST:
        perfect = one(entries, metric=metric, mode="default", code="perfect")
        assert perfect.value == pytest.approx(perfect.ceiling, abs=0.02)
        assert perfect.value == pytest.approx(perfect.expected, abs=0.05)
        noise = one(entries, metric=metric, mode="default", code="noise")
        assert noise.value == pytest.approx(noise.chance, abs=0.06)
        assert noise.value == pytest.approx(noise.expected, abs=0.06)


def test_expected_answers_are_on_the_scale_of_the_score(entries: Any) -> None:
    entry = one(entries, metric="factor-vae-score", mode="default", code="noise")
    assert entry.expected == pytest.approx(1 / 5)
    entry = one(entries, metric="mutual-information-gap", mode="default", code="noise")
    assert entry.expected == 0
    codes = ["perfect", "two factors missing", "noise"]
    accuracies = audit(rows=300, modes=["default"], metrics=["downstream-accuracy"], codes=codes)
    # shape and scale are guessed, of 3 and 6 values; of noise all are
    guesses = [1 / size for size in SIZES]
    truth = [1, (3 + sum(guesses[:2])) / 5, sum(guesses) / 5]
    assert [entry.expected for entry in accuracies] == pytest.approx(truth)


def test_the_limit_of_a_score_is_expected_before_the_answer_to_its_question() -> None:
    metrics = ["mutual-information-gap", "sap", "interventional-robustness"]
    codes = ["continuous, ρ = 0.9", "cut to three values"]
    found = audit(rows=ROWS, modes=["default"], metrics=metrics, codes=codes)
    continuous = {entry.metric: entry.expected for entry in found[:3]}
    assert continuous == {metrics[0]: 0.81, metrics[1]: 0.81, metrics[2]: None}
    # a latent of three values is about one factor, however little it tells
    assert found[5].expected == 1


def recorder(calls: Any, *words: Any) -> Any:
    """A score that has the words among its arguments, and notes what it is told."""
    kinds = [Parameter(word, Parameter.KEYWORD_ONLY) for word in words]

    def score(*_: Any, **told: Any) -> Any:
        calls.append({word: told[word] for word in words if word in told})
        return Score(0.5, None, 0.0, 1.0, "", {})

    score.__signature__ = Signature(kinds)  # type: ignore[attr-defined]
    return score


def test_a_score_is_told_what_it_has_a_word_for_and_otherwise_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes, calls = ["perfect", "unused latents more", "continuous, ρ = 0.9"], []  # type: ignore[var-annotated]
    stand_in(monkeypatch, "sap", recorder(calls, "active", "factor_kinds"))
    audit(rows=ROWS, modes=["default"], metrics=["sap"], codes=codes)
    assert calls[0] == {}
    assert calls[1]["active"].tolist() == [True] * 5 + [False] * 5
    assert calls[2] == {"factor_kinds": ["continuous"] * 5}
    stand_in(monkeypatch, "sap", recorder(calls))
    found = audit(rows=ROWS, modes=["default"], metrics=["sap"], codes=codes)
    assert [entry.skipped for entry in found] == [
        "",
        "it cannot be told which latents count",
        "its factors are discrete",
    ]
    assert found[1].expected is None


def test_udr_is_told_the_nats_and_independence_needs_no_factors() -> None:
    given = data_set("unused latents more", ROWS, 0)
    score = score_of("udr", given, rows=ROWS, mode="default", seed=0, repeats=0)
    assert score.value == pytest.approx(1, abs=0.02)
    found = audit(rows=ROWS, metrics=["udr", FAST[2]], codes=["continuous, ρ = 0.9"])
    assert not any(entry.skipped + entry.error for entry in found)


def test_repeated_rows_reach_the_scores() -> None:
    seen = data_set("noise, each row four times", ROWS, 0)
    assert len(np.unique(seen.factors, axis=0)) <= ROWS // 4
    assert [len(table) for table in seen.tables] == [ROWS, ROWS]


def test_a_score_that_says_nothing_is_reported_and_not_hidden(entries: Any) -> None:
    entry = one(
        entries,
        metric="gaussian-total-correlation",
        mode="disentanglement_lib",
        code="one dead latent more",
    )
    assert entry.value is None
    assert entry.error == "NaN"


def test_a_score_that_raises_is_reported_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("by design")

    stand_in(monkeypatch, "sap", broken)  # type: ignore[arg-type]
    found = audit(rows=ROWS, modes=["default"], metrics=["sap", "udr"], codes=["perfect"])
    assert found[0].error == "ZeroDivisionError: by design"
    assert found[0].value is None
    assert found[1].value == pytest.approx(1)


def test_what_does_not_apply_is_skipped_with_a_reason() -> None:
    found = audit(rows=ROWS, metrics=["partition-score"], codes=["perfect", "noise latents more"])
    assert (
        one(found, mode="default", code="noise latents more").skipped == "10 latents for 5 factors"
    )
    perfect = one(found, mode="default", code="perfect")
    assert perfect.value == pytest.approx(perfect.raw / 50)
    skipped = one(found, mode="disentanglement_lib", code="perfect")
    assert skipped.skipped == "disentanglement_lib has no such score"


def test_entries_are_counted_repeat_with_the_seed_and_fit_into_json() -> None:
    seen = []
    settings: dict[str, Any] = {
        "rows": ROWS,
        "modes": ["default"],
        "metrics": ["udr"],
        "codes": ["half noise"],
    }
    found = audit(**settings, on_progress=lambda *numbers: seen.append(numbers))
    assert seen == [(1, 1)]
    assert json.loads(json.dumps(found, allow_nan=False))[0][0] == "udr"
    assert audit(**settings)[0].value == found[0].value
    assert audit(**settings, seed=1)[0].value != found[0].value


@pytest.mark.parametrize("names", [{"metrics": ["migg"]}, {"modes": ["lib"]}, {"codes": ["good"]}])
def test_unknown_names_are_refused(names: list[str]) -> None:
    with pytest.raises(UsageError, match="is not known; give some of"):
        audit(rows=ROWS, **names)  # type: ignore[arg-type]


def test_the_figure_has_a_row_for_each_score_of_a_mode(entries: Any, tmp_path: Path) -> None:
    figure = audit_figure(entries)
    default, published = figure.axes[:2]
    names = [label.get_text() for label in default.get_yticklabels()]
    assert names == [name for name in QUESTIONS if name in FAST]
    written = [text.get_text() for text in published.texts]
    assert written.count("×") == 1
    figure.savefig(tmp_path / "audit.png")
    assert (tmp_path / "audit.png").stat().st_size > 10_000


def test_thirty_scores_and_all_codes_fit_a_page_without_overlap() -> None:
    shape = (30, len(KNOWN))
    names = [*QUESTIONS, *QUESTIONS][:30]
    panels = [
        AuditPanel(
            f"{mode} mode",
            names[:rows],
            [QUESTIONS[name] for name in names[:rows]],
            np.full(shape, 0.99)[:rows],
            np.ones(shape)[:rows],
            np.zeros(shape, dtype=bool)[:rows],
        )
        for mode, rows in (("default", 30), ("disentanglement_lib", 13))
    ]
    figure = metric_audit(panels, code_names=list(KNOWN))
    assert figure.get_size_inches()[1] < 10.5
    figure.draw_without_rendering()
    axes = figure.axes[0]
    box = axes.get_window_extent()
    cell = (box.width / shape[1], box.height / shape[0])
    number = axes.texts[0].get_window_extent()
    assert number.width < 0.85 * cell[0]
    assert number.height < cell[1]
    labels = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in pairwise(labels))
    assert min(label.x0 for label in labels) > axes.yaxis.label.get_window_extent().x1


def small(function: Any, **settings: Any) -> Any:
    return lambda **given: function(**{**given, **settings, "processes": 1})


def test_the_parts_are_run_alone_or_together_and_leave_their_sections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes, coverage = audit_parts_module.audit_sizes, audit_parts_module.audit_coverage  # type: ignore[attr-defined]
    monkeypatch.setattr(audit_parts_module, "audit_sizes", small(sizes, data_sets={200: 1}))
    monkeypatch.setattr(
        audit_parts_module, "audit_coverage", small(coverage, rows=200, data_sets=2)
    )
    monkeypatch.setattr(audit_parts_module, "audit", small(audit, codes=["perfect"]))
    words = ["audit", "--metrics", "udr", "--rows", "300", "--out", str(tmp_path)]
    assert main([*words, "--parts", "coverage", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["coverage"]
    assert [path.name for path in tmp_path.iterdir()] == ["metric-audit.json"]
    assert main(words) == 0
    content = json.loads((tmp_path / "metric-audit.json").read_text())
    assert list(content) == ["codes", "size", "coverage"]
    assert {entry["metric"] for section in content.values() for entry in section} == {"udr"}
    figures = {f"metric-audit{part}.{kind}" for part in ("", "-size") for kind in ("png", "pdf")}
    assert {path.name for path in tmp_path.iterdir()} == {"metric-audit.json", *figures}


def test_it_needs_no_torch() -> None:
    code = "import sys, distaff.audit; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
