import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest

from distaff.errors import RunError, UsageError
from distaff.experiment import Experiment, experiment_from_json, to_json, with_kind
from distaff.models import AnnealedVAE, BetaVAE
from distaff.nets import DenseDecoder
from distaff.recipes import RECIPES
from distaff.training import Training


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_survives_json(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    assert experiment_from_json(to_json(recipe)) == recipe


def test_the_hash_follows_from_what_decides_the_parameters() -> None:
    hashes = {recipe.config_hash for recipe in RECIPES.values()}
    assert len(hashes) == len(RECIPES)


def test_another_kind_keeps_the_settings_that_both_have(small_experiment: Experiment) -> None:
    changed = with_kind(small_experiment, "model", "annealed_vae")
    assert isinstance(changed.model, AnnealedVAE.Config)
    assert changed.model.latents == 3
    changed = with_kind(changed, "model.decoder", "dense")
    assert isinstance(changed.model.decoder, DenseDecoder.Config)  # type: ignore[attr-defined]
    assert changed.model.encoder == small_experiment.model.encoder  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="did you mean 'dense'"):
        with_kind(changed, "model.decoder", "dens")


def test_a_run_is_found_under_the_hash_that_it_was_trained_under() -> None:
    """These are in the paths of runs that people have."""
    assert {name: recipe.config_hash for name, recipe in RECIPES.items()} == {
        "demo": "680c524f",
        "dsprites-beta-vae": "906dc997",
        "dsprites-partitioned": "970f1a01",
        "dsprites-renderer": "4672e44e",
        "dsprites-modular": "c42a2a25",
        "mnist-vae": "e37ba88e",
        "fashion-vae": "b7f5e3aa",
        "mnist-iwae": "ce82fafc",
        "mnist-dense-vae": "34c1f17b",
        "mnist-conditional-vae": "f88afdfb",
        "mnist-semi-supervised-vae": "f4e8cdfe",
        "mnist-classifier": "bff98c32",
        "photos": "b0d0e3a2",
    }


def test_a_field_that_is_added_later_hides_no_run_and_counts_when_it_is_used(
    small_experiment: Experiment,
) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Later(Training):
        momentum: float = field(default=0.9, metadata={"hashed": "if changed"})
        names: tuple[str, ...] = field(default_factory=tuple, metadata={"hashed": "if changed"})
        colour: str = field(default="red", metadata={"hashed": "never"})

    def with_later(**settings: Any) -> Any:
        kept = {f.name: getattr(small_experiment.training, f.name) for f in fields(Training)}
        return replace(small_experiment, training=Later(**kept, **settings))

    assert with_later().config_hash == small_experiment.config_hash
    assert with_later(colour="blue").config_hash == small_experiment.config_hash
    changed = [with_later(momentum=0.8), with_later(names=("a",)), small_experiment]
    assert len({experiment.config_hash for experiment in changed}) == 3
    assert to_json(with_later())["training"]["momentum"] == 0.9  # the file says all


def test_how_bad_batches_are_dealt_with_does_not_make_it_another_run(
    small_experiment: Experiment, with_training: Callable[..., Experiment]
) -> None:
    skipping = with_training(small_experiment, on_nan="skip")
    assert skipping.config_hash == small_experiment.config_hash
    assert experiment_from_json(to_json(skipping)) == skipping


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("model", "warp"), 9, "unknown field model.warp"),
        (("training", "warp"), 9, "unknown field training.warp"),
        (("warp",), 9, "unknown field warp"),
        (("model", "kind"), "warp-vae", "unknown model 'warp-vae'"),
        (("model", "kind"), ["vae"], "unknown model"),
        (("model",), "vae", "model is 'vae' and not a group of settings"),
        (("model", "encoder"), None, "model.encoder is None and not a group"),
        (("model", "latents"), 2.5, "model.latents is 2.5"),
        (("model", "latents"), "3", "model.latents is '3'"),
        (("model", "latents"), 10**12, "latents is 1000000000000; it must be from 1"),
        (("model", "latents"), -1, "latents is -1"),
        (("model", "encoder", "widths"), [4, "4"], "model.encoder.widths is [4, '4']"),
        (("model", "encoder", "widths"), [4, 0], "widths (4, 0)"),
        (("data", "size"), 10**9, "size is 1000000000; it must be from 8 to 1024"),
        (("data", "shapes"), ["circle"], "data.shapes is ['circle']"),
        (("training", "steps"), -5, "steps is -5; it must be at least 1"),
        (("training", "steps"), None, "training.steps is None"),
        (("training", "on_nan"), "weep", "training.on_nan is 'weep'"),
        (("seeds",), [-1], "seeds are (-1,)"),
        (("seeds",), [2**63], "seeds are (9223372036854775808,)"),
        (("seeds",), 3, "seeds is 3"),
        (("name",), "../elsewhere", "name is '../elsewhere'"),
        (("name",), "", "name is ''"),
        (("name",), 3, "name is 3"),
        (("metrics",), ["gap"], "unknown metric 'gap'"),
    ],
)
def test_json_that_cannot_be_read_is_refused_by_name(
    small_experiment: Experiment, place: Any, value: Any, named: str
) -> None:
    content = to_json(small_experiment)
    holder = content
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value
    with pytest.raises(RunError, match=re.escape(named)) as caught:
        experiment_from_json(content)
    assert str(caught.value).endswith("was it made by another version?")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, 3, "x", [], {}, {"name": "x"}])
def test_json_that_is_no_experiment_is_refused(content: Any) -> None:
    with pytest.raises(RunError, match="another version"):
        experiment_from_json(content)


def test_an_unknown_metric_is_refused_before_the_training(small_experiment: Experiment) -> None:
    with pytest.raises(UsageError, match="unknown metric 'gap'"):
        Experiment(name="x", data=small_experiment.data, model=BetaVAE.Config(), metrics=("gap",))
    with pytest.raises(UsageError, match="seeds"):
        Experiment(name="x", data=small_experiment.data, model=BetaVAE.Config(), seeds=())
