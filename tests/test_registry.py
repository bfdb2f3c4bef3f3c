"""Names for things: refused where they would pass for others, found where others add them."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from distaff.data import Sprites
from distaff.errors import RunWarning, UsageError
from distaff.experiment import Experiment, experiment_from_json, to_json
from distaff.models import MODELS, VAE, BetaVAE
from distaff.models.base import ModelConfig
from distaff.nets import DECODERS, ENCODERS, DenseEncoder
from distaff.registry import Config, Origin, Registry
from distaff.types import DataSpec


def registry_of(group: str = "distaff.nothing") -> Registry[type]:
    """A registry of models of its own, so that the room's is left alone."""
    mine: Registry[type] = Registry(group, "model", config=Config)
    ModelConfig.registry = MODELS
    return mine


class Own(VAE):
    """A model with a config of its own."""

    @dataclass(frozen=True, kw_only=True)
    class Config(VAE.Config):
        """No further settings."""


class Borrowed(VAE):
    """A model that would be saved and hashed as its parent."""


def test_a_class_without_a_config_of_its_own_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="Borrowed cannot be registered as the model 'mine'"):
        registry_of().register("mine", Borrowed)


def test_a_name_is_taken_once() -> None:
    mine = registry_of()
    mine.register("my-model", Own)
    with pytest.raises(UsageError, match="the model 'my-model' is registered twice"):
        mine.register("my_model", Own)


def test_registering_is_a_call_or_a_decorator_and_finds_both_spellings() -> None:
    mine = registry_of()

    @mine.register("my-model")
    class Decorated(VAE):
        @dataclass(frozen=True, kw_only=True)
        class Config(VAE.Config):
            """No further settings."""

    assert mine.look_up("my_model") is Decorated
    assert Decorated.Config.registered_name == "my-model"
    assert mine.origin("my-model") == Origin("test_registry", None)
    with pytest.raises(UsageError, match="unknown model 'my-modl': did you mean 'my-model'"):
        mine.look_up("my-modl")


def test_a_config_builds_its_owner() -> None:
    model = VAE.Config(latents=3).build(DataSpec((1, 16, 16), (), 10))
    assert type(model) is VAE
    assert type(BetaVAE.Config().build(DataSpec((1, 16, 16), (), 10))) is BetaVAE
    assert type(DenseEncoder.Config().build((1, 8, 8), 4)) is DenseEncoder
    assert type(Sprites.Config(size=16).build()) is Sprites
    for registry in (ENCODERS, DECODERS, MODELS):
        for name, thing in registry.items():
            assert thing.Config.registered_name == name
            assert thing.Config.owner is thing


def test_a_config_of_an_unregistered_class_builds_but_has_no_kind() -> None:
    class Unknown(VAE):
        @dataclass(frozen=True, kw_only=True)
        class Config(VAE.Config):
            """No further settings."""

    config = Unknown.Config()
    assert type(config.build(DataSpec((1, 16, 16), (), 10))) is Unknown
    with pytest.raises(UsageError, match="Unknown is not registered"):
        _ = config.kind


WRONG = {
    "Experiment(name='x', data=VAE.Config(), model=VAE.Config())": "data is VAE.Config; give the "
    "Config of a data set, one of dsprites",
    "Experiment(name='x', data=Sprites.Config(), model=Sprites.Config())": "model is "
    "Sprites.Config; give the Config of a model, one of vae",
    "VAE.Config(encoder=DenseDecoder.Config())": "encoder is DenseDecoder.Config; give the Config "
    "of an encoder, one of convolutional",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_config_in_the_wrong_place_is_refused_in_a_sentence(wrong: str) -> None:
    """In a process of its own, where no types are checked before."""
    code = (
        "from distaff.data import Sprites; from distaff.experiment import Experiment\n"
        "from distaff.models import VAE; from distaff.nets import DenseDecoder\n" + wrong
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert f"UsageError: {WRONG[wrong]}" in done.stderr


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of packages that offer a model under `distaff.test-models`."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("whole", "broken", "second"):
        sys.modules.pop(name, None)


def offer(folder: Path, package: str, name: str, code: str) -> None:
    (folder / f"{package}.py").write_text(code)
    info = folder / f"{package}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text(f"[distaff.test-models]\n{name} = {package}:Model\n")


CODE = """
from dataclasses import dataclass
from distaff.models import VAE
class Model(VAE):
    @dataclass(frozen=True, kw_only=True)
    class Config(VAE.Config):
        pass
"""


def test_a_package_adds_by_an_entry_point_and_is_named(packages: Path) -> None:
    offer(packages, "whole", "my-model", CODE)
    mine = registry_of("distaff.test-models")
    assert list(mine) == ["my-model"]
    assert mine["my-model"].__module__ == "whole"
    assert mine.origin("my-model") == Origin("whole", "1.5")


def test_a_package_that_cannot_be_imported_is_warned_of_and_harms_nothing_else(
    packages: Path,
) -> None:
    offer(packages, "broken", "lost", "import nothing_of_this_name")
    offer(packages, "whole", "my-model", CODE)
    mine = registry_of("distaff.test-models")
    with pytest.warns(RunWarning, match="the model 'lost' of the package broken cannot be used"):
        assert list(mine) == ["my-model"]
    with pytest.raises(UsageError, match=r"'lost' of the package broken .*nothing_of_this_name"):
        mine.look_up("lost")


def test_two_packages_with_one_name_are_both_named(packages: Path) -> None:
    offer(packages, "whole", "my-model", CODE)
    offer(packages, "second", "my-model", CODE)
    mine = registry_of("distaff.test-models")
    with pytest.warns(RunWarning, match=r"twice, by (whole|second) and by (whole|second)"):
        assert list(mine) == ["my-model"]


def test_a_missing_package_is_named_with_what_to_install(small_experiment: Experiment) -> None:
    from distaff.errors import RunError

    content = to_json(small_experiment)
    content["model"]["kind"] = "my-vae"
    with pytest.raises(RunError, match=r"needs the model 'my-vae'; .* pip install fibre==1.2"):
        experiment_from_json(content, "this", {"model": Origin("fibre", "1.2")})
    with pytest.raises(RunError, match=r"registered by mine.py; import that first"):
        experiment_from_json(content, "this", {"model": Origin("mine.py", None)})
