"""Names for things: refused where they would pass for others, found where others add them."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from distaff.cli import main
from distaff.data import Sprites
from distaff.errors import RunError, RunWarning, UsageError
from distaff.experiment import Experiment, experiment_from_json, to_json
from distaff.illustrate import FIGURES
from distaff.metrics import METRICS
from distaff.metrics.options import with_options
from distaff.models import MODELS, VAE, BetaVAE
from distaff.models.base import ModelConfig
from distaff.nets import DECODERS, ENCODERS, DenseEncoder
from distaff.packages import Origin
from distaff.recipes import RECIPES
from distaff.registry import Config, Registry
from distaff.studies import STUDIES
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


CARELESS = """
from dataclasses import dataclass
class Careless(VAE):
    @dataclass(frozen=True, kw_only=True)
    class Config(VAE.Config):
        def __post_init__(self): pass
Experiment(name='x', data=Sprites.Config(), model=Careless.Config(encoder=DenseDecoder.Config()))
"""
WRONG = {
    CARELESS: "model.encoder is DenseDecoder.Config; give the Config of an encoder, one of",
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
        assert list(mine) == []
    with pytest.raises(UsageError, match=r"twice, by (whole|second) and by (whole|second)"):
        mine.look_up("my-model")


def test_a_package_cannot_take_a_name_that_distaff_has(packages: Path) -> None:
    offer(packages, "whole", "vae", "Model = 'theirs'")
    offer(packages, "broken", "beta-vae", "import nothing_of_this_name")
    own = {"vae": "ours", "beta-vae": "ours"}
    mine: Registry[str] = Registry("distaff.test-models", "model", own)
    with pytest.warns(RunWarning) as caught:
        assert dict(mine) == own
    assert "'vae' is registered twice, by distaff and by whole" in str(caught[0].message) + str(
        caught[1].message
    )
    assert [mine.look_up(name) for name in ("vae", "Beta_VAE")] == ["ours", "ours"]
    assert mine.origin("vae") is None


def test_packages_are_not_imported_for_what_distaff_has(packages: Path) -> None:
    """Or one that takes a recipe for its own would be imported in the middle of the recipes."""
    log = packages / "log"
    offer(packages, "whole", "mine", f"open({str(log)!r}, 'a').write('x')\nModel = 'theirs'")
    mine: Registry[str] = Registry("distaff.test-models", "model", {"vae": "ours"})
    assert (mine["vae"], mine.look_up("vae"), "vae" in mine) == ("ours", "ours", True)
    assert not log.exists()
    assert (mine["mine"], "nothing" in mine, len(mine)) == ("theirs", False, 2)
    assert log.read_text() == "x"


def test_one_module_may_offer_a_metric_and_a_recipe_that_asks_for_it(tmp_path: Path) -> None:
    code = """
from dataclasses import replace
from distaff.recipes import DEMO
def my_score(codes, factors): ...
MINE = replace(DEMO, name="mine", metrics=("my-score",))
"""
    (tmp_path / "single.py").write_text(code)
    info = tmp_path / "single-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: single\nVersion: 1.0\n")
    points = (
        "[distaff.metrics]\nmy-score = single:my_score\n[distaff.recipes]\nmine = single:MINE\n"
    )
    (info / "entry_points.txt").write_text(points)
    show = "from distaff.recipes import RECIPES; print(RECIPES['mine'].origins['metrics.my-score'])"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", show],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "single 1.0\n", done.stderr


def test_what_is_no_metric_recipe_or_study_is_refused() -> None:
    for registry in (METRICS, RECIPES, STUDIES, FIGURES):
        with pytest.raises(UsageError, match=f"'mine' is to be a {registry.noun}, and is 3"):
            registry.register("mine", 3)  # type: ignore[call-overload]
        assert "mine" not in registry


def test_a_package_with_the_wrong_thing_is_warned_of(packages: Path) -> None:
    offer(packages, "whole", "mine", "Model = 3")
    mine: Registry[str] = Registry(
        "distaff.test-models", "word", accepts=lambda thing: isinstance(thing, str)
    )
    with pytest.warns(RunWarning, match="'mine' of the package whole .* is to be a word, and is 3"):
        assert list(mine) == []


def test_every_spelling_of_a_name_is_one_name() -> None:
    assert MODELS["Beta_VAE"] is BetaVAE
    assert "q1_a" in FIGURES
    assert "q1-a" in FIGURES
    assert "q1_a" in list(FIGURES)  # the name of its file


def test_a_class_keeps_its_name() -> None:
    """Its runs are found by it, and their hash follows from it."""
    with pytest.raises(UsageError, match=r"VAE cannot .* 'other': it is the model 'vae' already"):
        MODELS.register("other", VAE)
    assert VAE.Config().kind == "vae"
    assert "other" not in MODELS


def test_a_borrowed_config_stays_that_of_its_class() -> None:
    class Borrowing(VAE):
        """Says that the settings of the VAE are its own."""

        Config = VAE.Config

    assert VAE.Config().kind == "vae"
    assert type(VAE.Config().build(DataSpec((1, 16, 16), (), 10))) is VAE
    with pytest.raises(UsageError, match=r"Borrowing cannot .* its Config is that of VAE; nest"):
        MODELS.register("mine", Borrowing)


def test_a_config_that_is_no_dataclass_is_refused() -> None:
    class Undecorated(VAE):
        """`gamma` is no setting: nobody could change it."""

        class Config(VAE.Config):
            gamma: float = 1.0

    with pytest.raises(UsageError, match="its Config is no dataclass, so that it adds no setting"):
        MODELS.register("mine", Undecorated)


def test_the_command_line_says_what_a_package_breaks_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dispatch(_: list[str]) -> None:
        warnings.warn("the model 'x' cannot be used.", RunWarning, stacklevel=1)

    monkeypatch.setattr("distaff.cli._dispatch", dispatch)
    assert main(["list"]) == 0
    assert capsys.readouterr().err == "distaff: the model 'x' cannot be used.\n"


def test_a_run_is_not_read_with_the_thing_of_another_package(
    small_experiment: Experiment,
) -> None:
    content = to_json(small_experiment)
    with pytest.raises(
        RunError, match="'beta-vae' of fibre, and here that name is of distaff; use"
    ):
        experiment_from_json(content, "this", {"model": Origin("fibre", "1.2")})
    content["metrics"] = ["my-score"]
    with pytest.raises(RunError, match=r"the metric 'my-score'; .* pip install fibre==1\.2"):
        experiment_from_json(content, "this", {"metrics.my-score": Origin("fibre", "1.2")})


def test_a_missing_package_is_named_with_what_to_install(small_experiment: Experiment) -> None:
    content = to_json(small_experiment)
    content["model"]["kind"] = "my-vae"
    with pytest.raises(RunError, match=r"needs the model 'my-vae'; .* pip install fibre==1.2"):
        experiment_from_json(content, "this", {"model": Origin("fibre", "1.2")})
    with pytest.raises(RunError, match=r"registered by mine.py; import that first"):
        experiment_from_json(content, "this", {"model": Origin("mine.py", None)})


def test_distaff_s_own_comes_first_whenever_it_is_added(packages: Path) -> None:
    class Late(VAE):
        @dataclass(frozen=True, kw_only=True)
        class Config(VAE.Config):
            """No further settings."""

    offer(packages, "whole", "my-model", CODE)
    mine = registry_of("distaff.test-models")
    assert mine["my-model"].__module__ == "whole"
    with pytest.warns(RunWarning, match="registered twice, by distaff and by whole"):
        mine.add("my-model", Late)
    assert mine["my-model"] is Late
    assert mine.origin("my-model") is None


def test_names_are_found_as_people_call_them() -> None:
    assert METRICS.registered_name("mig") == "mutual-information-gap"
    assert METRICS.look_up("IRS") is METRICS["interventional-robustness"]
    assert MODELS.registered_name("FactorVAE") == "factor-vae"
    assert METRICS.registered_name("nothing") == "nothing"
    assert STUDIES.registered_name("2AMU20") == "mnist-likelihoods"
    assert STUDIES.registered_name("HW6") == "mnist-conditional"
    assert RECIPES.registered_name("CS699") == "dsprites-beta-vae"
    assert with_options(["mig", "mutual_information_gap"]) == {"mutual-information-gap": {}}
