"""MNIST and Fashion-MNIST."""

from dataclasses import replace

from distaff.data import FashionMnist, Mnist
from distaff.experiment import Experiment
from distaff.models import IWAE, VAE
from distaff.nets import ResidualDecoder, ResidualEncoder
from distaff.training import Training

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

MNIST_IWAE = Experiment(
    name="mnist-iwae",
    data=Mnist.Config(),
    model=IWAE.Config(
        latents=50,
        # in the time of a step with the paper's 50, eight steps with 5: in an hour they go further
        samples=5,
        # at equal time 2 nats below the paper's 2 x 200 tanh units, which take longer to learn
        encoder=ResidualEncoder.Config(),
        decoder=ResidualDecoder.Config(),
    ),
    training=Training(
        epochs=200,
        batch_size=100,
        learning_rate=2e-3,
        schedule="cosine",
        binarize=True,
        log_every=500,
        validate_every=500,
        validation_images=2000,
    ),
)
"""The importance-weighted autoencoder on digits drawn black or white at each visit, to compare with
the test log likelihoods of Burda et al. 2016, table 1: one stochastic layer of 50 latents."""
