"""The help of a recipe, kept after the first time."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from distaff.cli import kept_help, main

WORDS = ["train", "demo", "--help"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "distaff/help"


@pytest.fixture
def help_of(capsys: pytest.CaptureFixture[str]) -> Any:
    def printed(words: list[str]) -> str:
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert not stop.value.code
        return capsys.readouterr().out

    return printed


def test_the_second_time_it_is_the_same_and_needs_no_torch(help_of: Any) -> None:
    first = help_of(WORDS)
    code = (
        "import sys; from distaff.cli import main\n"
        f"try: main({WORDS})\n"
        "finally: print('torch' in sys.modules, file=sys.stderr)"
    )
    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert second.stdout == first
    assert "--model.latents" in first
    assert second.stderr.strip() == "False"


def test_other_words_have_their_own_help(help_of: Any) -> None:
    assert help_of(WORDS) != help_of(["train", "demo", "--model", "beta-vae", "--help"])


def test_it_is_made_again_after_a_change_of_the_code(
    help_of: Any, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = help_of(WORDS)
    (file,) = cache.iterdir()
    file.write_text(file.read_text().replace("--model.latents", "--model.old"))
    assert "--model.old" in help_of(WORDS)
    monkeypatch.setattr(kept_help, "CODE", tmp_path)  # as if the files were others
    assert help_of(WORDS) == first


@pytest.mark.parametrize("width", ["80", "130"])
def test_a_terminal_of_another_width_has_another(
    help_of: Any, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    at_a_hundred = help_of(WORDS)
    monkeypatch.setenv("COLUMNS", width)
    assert help_of(WORDS) != at_a_hundred


def test_settings_of_other_packages_and_of_files_are_not_kept(
    help_of: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_help, "_of_other_packages", lambda: True)
    help_of(WORDS)
    assert not cache.exists()


def test_where_nothing_can_be_kept_the_help_is_there(
    help_of: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert "--model.latents" in help_of(WORDS)


def test_a_wrong_recipe_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "demos", "--help"]) == 2
    assert "did you mean 'demo'?" in capsys.readouterr().err
