"""A person's own colour pictures."""

from distaff.data import ImageFolder
from distaff.experiment import Experiment
from distaff.models import VAE
from distaff.training.settings import Training

PHOTOS = Experiment(
    name="photos",
    # 64 x 64 pixels in colour, the middle of each picture
    data=ImageFolder.Config(),
    # Bernoulli pixels: after 1,500 steps on 5,000 faces its samples look like faces; those of
    # normal pixels with a standard deviation of 0.1 are still noise
    model=VAE.Config(latents=32),
    training=Training(
        steps=10_000,
        batch_size=64,
        learning_rate=1e-3,
        schedule="cosine",
        validate_every=500,
    ),
    metrics=("gaussian-total-correlation",),
)
"""A VAE on the pictures of a folder, `--data.path`, in colour and 64 x 64 pixels."""
