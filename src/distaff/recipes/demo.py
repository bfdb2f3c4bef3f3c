"""The demonstration: minutes on two CPU cores, and latents that each move one thing."""

from distaff.data import Sprites
from distaff.experiment import Experiment
from distaff.models import AnnealedVAE
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.training.settings import Training

STEPS = 16_000

DEMO = Experiment(
    name="demo",
    data=Sprites.Config(
        size=32,
        # an ellipse covers and uncovers more pixels when it moves along its short axis: without
        # such a difference any rotation of the two positions is as good a code as the positions
        shapes=("ellipse",),
        orientations=1,
        # a cell is a pixel wide; from continuous values a latent that is slightly off its axis
        # reveals nothing, while on a grid the remainder would spell out the other position
        positions_x=16,
        positions_y=16,
        continuous=60_000,
        smooth=True,
    ),
    model=AnnealedVAE.Config(
        latents=10,
        # four times the steps of the convolutional nets in the same time at this size
        encoder=DenseEncoder.Config(hidden=(400, 400)),
        decoder=DenseDecoder.Config(hidden=(400, 400)),
        # at 30 the capacity is filled faster than it is understood, and the axes come out turned
        gamma=10.0,
        capacity=14.0,
        annealing_steps=STEPS * 3 // 4,
    ),
    training=Training(
        steps=STEPS, batch_size=64, learning_rate=1e-3, schedule="cosine", validate_every=500
    ),
)
"""Position and scale of small ellipses, each on a latent of its own."""
