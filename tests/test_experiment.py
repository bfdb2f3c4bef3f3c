import pytest

from distaff.errors import RunError, UsageError
from distaff.experiment import Experiment, experiment_from_json, to_json, with_kind
from distaff.models import AnnealedVAE, BetaVAE
from distaff.nets import DenseDecoder
from distaff.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_survives_json(name):
    recipe = RECIPES[name]
    assert recipe.name == name
    assert experiment_from_json(to_json(recipe)) == recipe


def test_the_hash_follows_from_what_decides_the_parameters():
    hashes = {recipe.config_hash for recipe in RECIPES.values()}
    assert len(hashes) == len(RECIPES)


def test_another_kind_keeps_the_settings_that_both_have(small_experiment):
    changed = with_kind(small_experiment, "model", "annealed_vae")
    assert isinstance(changed.model, AnnealedVAE.Config)
    assert changed.model.latents == 3
    changed = with_kind(changed, "model.decoder", "dense")
    assert isinstance(changed.model.decoder, DenseDecoder.Config)
    assert changed.model.encoder == small_experiment.model.encoder
    with pytest.raises(UsageError, match="did you mean 'dense'"):
        with_kind(changed, "model.decoder", "dens")


def test_json_of_another_version_is_refused(small_experiment):
    content = to_json(small_experiment)
    content["model"]["warp"] = 9
    with pytest.raises(RunError, match="another version"):
        experiment_from_json(content)


def test_an_unknown_metric_is_refused_before_the_training(small_experiment):
    with pytest.raises(UsageError, match="unknown metric 'gap'"):
        Experiment(name="x", data=small_experiment.data, model=BetaVAE.Config(), metrics=("gap",))
    with pytest.raises(UsageError, match="seeds"):
        Experiment(name="x", data=small_experiment.data, model=BetaVAE.Config(), seeds=())
