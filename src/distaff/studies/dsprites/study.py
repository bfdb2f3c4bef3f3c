"""Document 000: factors of dSprites without labels, with some, and by a network of modules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import ClassVar

from typing_extensions import override

from distaff.data import Sprites
from distaff.data.sprites import Shape
from distaff.experiment import Experiment
from distaff.models import ModularRenderer, PartitionedRenderer
from distaff.recipes import (
    DSPRITES_BETA_VAE,
    DSPRITES_MODULAR,
    DSPRITES_PARTITIONED,
    DSPRITES_RENDERER,
)
from distaff.studies.dsprites.modules import modules
from distaff.studies.dsprites.parts import grades, label_curve, mixtures
from distaff.studies.dsprites.transformers import transformers
from distaff.studies.dsprites.unsupervised import unsupervised
from distaff.studies.study import Budget, Results, Study, StudyContext, for_smoke

UNSEEN: tuple[Shape, ...] = ("triangle", "crescent", "cross", "l-shape", "star")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a budget decides."""

    share: float
    """Of the steps of the recipes; of those of the renderer twice as many."""
    memory_images: int
    """Unlabelled images from which templates are learnt."""
    test_images: int
    labels: tuple[int, ...]
    draws: int
    """Choices of labelled images for each number of them."""
    pairs: int
    """Mixed pairs that are read back."""
    trials: int
    """Descents in each cell of task 4."""


SCALES: dict[Budget, Scale] = {
    "smoke": Scale(
        share=0.0, memory_images=200, test_images=400, labels=(64,), draws=1, pairs=20, trials=3
    ),
    "quick": Scale(
        share=0.25,
        memory_images=2048,
        test_images=2048,
        labels=(12, 64, 1024),
        draws=1,
        pairs=1000,
        trials=60,
    ),
    "full": Scale(
        share=1.0,
        memory_images=4096,
        test_images=8192,
        labels=(12, 64, 256, 1024, 4096, 16_384),
        draws=3,
        pairs=1000,
        trials=1000,
    ),
}


class DSpritesStudy(Study):
    """dSprites: a beta-VAE, latents in parts, mixtures, a network of modules, samplers.

    Reference: "Rendering images with latent semi-supervision", assignment of the course CS 699 of
    the University of Southern California.
    """

    name = "dsprites"
    title = "Rendering images with latent semi-supervision"
    # of steps timed on one thread of a machine with other work
    estimates: ClassVar[Mapping[Budget, Mapping[str, float]]] = {
        "quick": {
            "beta-vae": 420,
            "partitioned": 260,
            "renderer": 240,
            "modular": 50,
            "unseen": 50,
            "grades": 40,
            "label-curve": 100,
            "mixtures": 20,
            "modules": 40,
            "transformers": 120,
        },
        "full": {
            "beta-vae": 1700,
            "partitioned": 1000,
            "renderer": 750,
            "modular": 150,
            "unseen": 150,
            "grades": 120,
            "label-curve": 2000,
            "mixtures": 20,
            "modules": 60,
            "transformers": 2000,
        },
    }

    @property
    def scale(self) -> Scale:
        """The settings of the budget."""
        return SCALES[self.budget]

    @cached_property
    @override
    def experiments(self) -> Mapping[str, Experiment]:
        unseen = replace(DSPRITES_MODULAR, data=Sprites.Config(shapes=UNSEEN))
        recipes = {
            "beta-vae": DSPRITES_BETA_VAE,
            "partitioned": DSPRITES_PARTITIONED,
            "renderer": DSPRITES_RENDERER,
            "modular": DSPRITES_MODULAR,
            "unseen": replace(unseen, name="unseen-modular"),
        }
        return {name: self._scaled(recipe) for name, recipe in recipes.items()}

    def _scaled(self, recipe: Experiment) -> Experiment:
        if self.budget == "full":
            return recipe
        model, few = recipe.model, self.scale.memory_images
        if isinstance(model, PartitionedRenderer.Config):
            model = replace(model, unlabelled=few)
        if isinstance(model, ModularRenderer.Config):
            model = replace(model, images=600 if self.budget == "smoke" else 3072)
        training = recipe.training
        if self.budget == "smoke":
            training = replace(for_smoke(training), labelled_per_batch=None)
        else:
            share = 2 * self.scale.share if recipe is DSPRITES_RENDERER else self.scale.share
            steps = int(training.steps * share)
            training = replace(training, steps=steps, validate_every=steps)
        return replace(recipe, model=model, training=training)

    @property
    @override
    def tasks(self) -> Mapping[str, Callable[[StudyContext], Results]]:
        scale = self.scale
        curve = partial(
            label_curve,
            labels=scale.labels,
            draws=scale.draws,
            unlabelled=scale.memory_images,
            images=scale.test_images,
        )
        return {
            "unsupervised": partial(unsupervised, images=scale.test_images),
            "grades": partial(grades, images=scale.test_images),
            "label-curve": curve,
            "mixtures": partial(mixtures, pairs=scale.pairs),
            "modules": partial(modules, images=scale.test_images),
            "transformers": partial(transformers, trials=scale.trials),
        }
