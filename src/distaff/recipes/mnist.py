"""MNIST and Fashion-MNIST."""

from dataclasses import replace

from distaff.data import FashionMnist, Mnist
from distaff.experiment import Experiment
from distaff.fit import Training
from distaff.models import VAE

MNIST_VAE = Experiment(
    name="mnist-vae",
    data=Mnist.Config(),
    model=VAE.Config(latents=16),
    training=Training(
        epochs=20,
        batch_size=128,
        learning_rate=1e-3,
        schedule="cosine",
        validate_every=390,
        validation_images=10_000,
    ),
)
"""A VAE on handwritten digits; looks at the validation images once an epoch."""

FASHION_VAE = replace(MNIST_VAE, name="fashion-vae", data=FashionMnist.Config())
"""The same on articles of clothing."""
