"""Whole experiments, by name."""

from distaff.experiment import Experiment
from distaff.recipes.demo import DEMO
from distaff.recipes.dsprites import (
    DSPRITES_BETA_VAE,
    DSPRITES_MODULAR,
    DSPRITES_PARTITIONED,
    DSPRITES_RENDERER,
)
from distaff.recipes.mnist import (
    FASHION_VAE,
    MNIST_CLASSIFIER,
    MNIST_CONDITIONAL_VAE,
    MNIST_DENSE_VAE,
    MNIST_IWAE,
    MNIST_SEMI_SUPERVISED_VAE,
    MNIST_VAE,
)
from distaff.recipes.photos import PHOTOS
from distaff.registry import Registry

RECIPES: Registry[Experiment] = Registry(
    "distaff.recipes",
    "recipe",
    {
        recipe.name: recipe
        for recipe in (
            DEMO,
            DSPRITES_BETA_VAE,
            DSPRITES_PARTITIONED,
            DSPRITES_RENDERER,
            DSPRITES_MODULAR,
            MNIST_VAE,
            FASHION_VAE,
            MNIST_IWAE,
            MNIST_DENSE_VAE,
            MNIST_CONDITIONAL_VAE,
            MNIST_CLASSIFIER,
            MNIST_SEMI_SUPERVISED_VAE,
            PHOTOS,
        )
    },
    accepts=lambda thing: isinstance(thing, Experiment),
    aliases={"cs699": "dsprites-beta-vae", "cs-699": "dsprites-beta-vae"},
)
register = RECIPES.register

__all__ = [
    "DEMO",
    "DSPRITES_BETA_VAE",
    "DSPRITES_MODULAR",
    "DSPRITES_PARTITIONED",
    "DSPRITES_RENDERER",
    "FASHION_VAE",
    "MNIST_CLASSIFIER",
    "MNIST_CONDITIONAL_VAE",
    "MNIST_DENSE_VAE",
    "MNIST_IWAE",
    "MNIST_SEMI_SUPERVISED_VAE",
    "MNIST_VAE",
    "PHOTOS",
    "RECIPES",
    "register",
]
