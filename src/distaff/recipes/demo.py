"""The demonstration: minutes on two CPU cores, and latents that each move one thing."""

from distaff.data import Sprites
from distaff.experiment import Experiment
from distaff.fit import Training
from distaff.models import AnnealedVAE

STEPS = 6000

DEMO = Experiment(
    name="demo",
    data=Sprites.Config(size=32, orientations=1),
    model=AnnealedVAE.Config(
        latents=10,
        gamma=30.0,
        capacity=14.0,
        annealing_steps=STEPS * 3 // 4,
    ),
    training=Training(
        steps=STEPS, batch_size=64, learning_rate=2e-3, schedule="cosine", validate_every=500
    ),
)
"""Position and scale of 32 x 32 sprites, each on a latent of its own."""
