"""The audit itself: its codes, its entries and its figure."""

import json
import subprocess
import sys

import numpy as np
import pytest

from distaff import audit as audit_module
from distaff.audit import QUESTIONS, audit, audit_figure
from distaff.errors import UsageError
from distaff.known_codes import CODES, SIZES, Question
from distaff.metrics import METRICS

FAST = ("mutual-information-gap", "factor-vae-score", "gaussian-total-correlation", "udr")
ROWS = 500


def one(entries, **wanted):
    (entry,) = [e for e in entries if all(getattr(e, k) == v for k, v in wanted.items())]
    return entry


@pytest.fixture(scope="module")
def entries():
    return audit(rows=ROWS, metrics=FAST, codes=["perfect", "one dead latent more", "noise"])


def test_every_score_has_a_question():
    assert set(QUESTIONS) == set(METRICS)


def test_codes_keep_the_rows_and_say_what_to_expect_of_every_question():
    factors = np.random.default_rng(0).integers(0, SIZES, size=(200, len(SIZES)))
    for code in CODES.values():
        made = code.make(factors, np.random.default_rng(1))
        assert made.shape[0] == 200
        assert set(code.expected) == set(Question)
        assert all(answer is None or 0 <= answer <= 1 for answer in code.expected.values())


def test_latents_are_turned_in_their_plane():
    factors = np.random.default_rng(0).integers(0, SIZES, size=(200, len(SIZES)))
    turned, straight = (
        CODES[name].make(factors, np.random.default_rng(1))
        for name in ("position turned 45°", "perfect")
    )
    assert turned[:, :3] == pytest.approx(straight[:, :3])
    assert (turned**2).sum(axis=1) == pytest.approx((straight**2).sum(axis=1))
    assert turned[:, 3] == pytest.approx((straight[:, 3] + straight[:, 4]) / np.sqrt(2))


def test_a_perfect_code_is_near_the_ceiling_and_noise_near_chance(entries):
    for metric in FAST:
        perfect = one(entries, metric=metric, mode="default", code="perfect")
        assert perfect.value == pytest.approx(perfect.ceiling, abs=0.02)
        assert perfect.value == pytest.approx(perfect.expected, abs=0.05)
        noise = one(entries, metric=metric, mode="default", code="noise")
        assert noise.value == pytest.approx(noise.chance, abs=0.06)
        assert noise.value == pytest.approx(noise.expected, abs=0.06)


def test_expected_answers_are_on_the_scale_of_the_score(entries):
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


def test_a_score_that_says_nothing_is_reported_and_not_hidden(entries):
    entry = one(
        entries,
        metric="gaussian-total-correlation",
        mode="disentanglement_lib",
        code="one dead latent more",
    )
    assert entry.value is None
    assert entry.error == "NaN"


def test_a_score_that_raises_is_reported_and_the_others_go_on(monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("by design")

    monkeypatch.setitem(audit_module.METRICS, "sap", broken)
    found = audit(rows=ROWS, modes=["default"], metrics=["sap", "udr"], codes=["perfect"])
    assert found[0].error == "ZeroDivisionError: by design"
    assert found[0].value is None
    assert found[1].value == pytest.approx(1)


def test_what_does_not_apply_is_skipped_with_a_reason():
    found = audit(rows=ROWS, metrics=["partition-score"], codes=["perfect", "noise latents more"])
    assert (
        one(found, mode="default", code="noise latents more").skipped == "10 latents for 5 factors"
    )
    perfect = one(found, mode="default", code="perfect")
    assert perfect.value == pytest.approx(perfect.raw / 50)
    skipped = one(found, mode="disentanglement_lib", code="perfect")
    assert skipped.skipped == "disentanglement_lib has no such score"


def test_entries_are_given_one_by_one_repeat_with_the_seed_and_fit_into_json():
    seen = []
    settings = {"rows": ROWS, "modes": ["default"], "metrics": ["udr"], "codes": ["half noise"]}
    found = audit(**settings, on_result=seen.append)
    assert seen == found
    assert json.loads(json.dumps(found, allow_nan=False))[0][0] == "udr"
    assert audit(**settings)[0].value == found[0].value
    assert audit(**settings, seed=1)[0].value != found[0].value


@pytest.mark.parametrize("names", [{"metrics": ["migg"]}, {"modes": ["lib"]}, {"codes": ["good"]}])
def test_unknown_names_are_refused(names):
    with pytest.raises(UsageError, match="is not known; give some of"):
        audit(rows=ROWS, **names)


def test_the_figure_has_a_row_for_each_score_of_a_mode(entries, tmp_path):
    figure = audit_figure(entries)
    default, published = figure.axes[:2]
    names = [label.get_text() for label in default.get_yticklabels()]
    assert names == [name for name in QUESTIONS if name in FAST]
    written = [text.get_text() for text in published.texts]
    assert written.count("×") == 1
    figure.savefig(tmp_path / "audit.png")
    assert (tmp_path / "audit.png").stat().st_size > 10_000


def test_it_needs_no_torch():
    code = "import sys, distaff.audit; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
