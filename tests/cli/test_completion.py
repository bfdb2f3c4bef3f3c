import subprocess
from pathlib import Path

import pytest

from distaff.cli import main

ASK = """
source {script}
COMP_WORDS=({words}); COMP_CWORD={place}; COMPREPLY=()
_shtab_distaff distaff "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
echo "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "bash"
    with pytest.MonkeyPatch.context() as patch, path.open("w") as file:
        patch.setattr("sys.stdout", file)
        assert main(["completion", "bash"]) == 0
    return path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["distaff", "tr"], {"train"}),
        (["distaff", "train", "mnist-v"], {"mnist-vae"}),
        (["distaff", "train", "demo", "--model.l"], {"--model.latents", "--model.likelihood"}),
        (["distaff", "train", "demo", "--model", "beta"], {"beta-vae"}),
        (["distaff", "train", "demo", "--training.schedule", "co"], {"constant", "cosine"}),
        (["distaff", "data", "fetch", "fash"], {"fashion-mnist"}),
        (["distaff", "metrics", "explain", "mutual"], {"mutual-information-gap"}),
        (["distaff", "study", "spatial"], {"spatial-broadcast"}),
        (["distaff", "list", "r"], {"recipes", "runs"}),
        (["distaff", "list", "N"], set()),
    ],
)
def test_bash_completes(script: Path, words: list[str], expected: set[str]) -> None:
    ask = ASK.format(script=script, words=" ".join(words), place=len(words) - 1)
    said = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    assert set(said.stdout.split()) == expected


@pytest.mark.parametrize("shell", ["fish", "zsh"])
def test_other_shells_have_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "mnist-vae" in capsys.readouterr().out


def test_an_unknown_shell_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "tcsh" in capsys.readouterr().err
    assert main(["completion"]) == 2
    assert "bash" in capsys.readouterr().err
