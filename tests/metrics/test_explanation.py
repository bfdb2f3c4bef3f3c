"""What `distaff metrics explain` says of each score."""

import pytest

from distaff.cli import main
from distaff.metrics import METRICS
from distaff.metrics.caveats import CAVEATS
from distaff.metrics.explanation import explanation


def test_every_score_and_no_other_has_a_caveat() -> None:
    assert set(CAVEATS) == set(METRICS)
    assert all(caveat.endswith(".") for caveat in CAVEATS.values())


@pytest.mark.parametrize("name", METRICS)
def test_a_score_says_what_it_asks_its_range_its_source_and_what_fools_it(name: str) -> None:
    text = explanation(name, METRICS[name])
    title, asks, *_ = text.split("\n\n")
    assert title == name
    assert asks.startswith("Asks")
    assert asks.endswith((".", "?"))
    assert "chance" in text.lower()
    assert f"What fools it: {CAVEATS[name]}" in text
    assert "\n\nReference: " in text
    # what the arguments are is for the library
    assert "Args:" not in text
    assert "Raises:" not in text


def test_the_command_prints_it_with_formulas_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["metrics", "explain", "mutual_information_gap"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("mutual-information-gap\n\nAsks whether each factor is known")
    assert "\n    (I(z_1st; v) - I(z_2nd; v)) / H(v),\n" in printed
    assert max(map(len, printed.splitlines())) <= 100
    assert "Isolating sources of disentanglement in VAEs" in " ".join(printed.split())
