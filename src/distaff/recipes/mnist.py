"""MNIST and Fashion-MNIST."""

from dataclasses import replace

from distaff.data import FashionMnist, Mnist
from distaff.experiment import Experiment
from distaff.fit import Training
from distaff.models import IWAE, VAE
from distaff.nets import DenseDecoder, DenseEncoder

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
        samples=50,
        encoder=DenseEncoder.Config(hidden=(200, 200)),
        decoder=DenseDecoder.Config(hidden=(200, 200)),
    ),
    training=Training(
        epochs=50,
        batch_size=128,
        learning_rate=1e-3,
        schedule="cosine",
        binarize=True,
        validate_every=390,
        validation_images=2048,
    ),
)
"""The importance weighted autoencoder on digits drawn black or white, with the nets and latents of
Burda et al. 2016, section 5 and appendix C; `--model.samples 1` is its VAE."""
