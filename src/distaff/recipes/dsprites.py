"""dSprites."""

from distaff.data import DSprites
from distaff.experiment import FIGURES_OF_A_RUN, Experiment
from distaff.models import BetaVAE, ModularRenderer, PartitionedRenderer, PartitionedVAE
from distaff.nets import LocalizedEncoder
from distaff.training.settings import Training

DSPRITES_BETA_VAE = Experiment(
    name="dsprites-beta-vae",
    data=DSprites.Config(),
    # beta 4, the paper's weight for 2D shapes, gives up shape and orientation; the assignment asks
    # for reconstructions in which they are seen
    model=BetaVAE.Config(latents=10, beta=2.0),
    training=Training(
        steps=15_000,
        batch_size=64,
        learning_rate=1e-3,
        schedule="cosine",
        validate_every=1000,
    ),
    figures=(*FIGURES_OF_A_RUN, "q1_a", "q1_b"),
)
"""Task 1 of "Rendering images with latent semi-supervision" (CS 699, University of Southern
California): a beta-VAE on the 245,760 unlabelled images; `q1_a` are its reconstructions, `q1_b`
its interpolations. It reconstructs well and uses all its latents; with so small a weight they do
not stand for a factor each, as the mutual information gap says."""

DSPRITES_PARTITIONED = Experiment(
    name="dsprites-partitioned",
    # as many labels as the assignment gives
    data=DSprites.Config(labelled=16_384),
    model=PartitionedVAE.Config(
        latents=20, circles=("orientation",), encoder=LocalizedEncoder.Config()
    ),
    training=Training(
        steps=6000,
        batch_size=160,
        labelled_per_batch=128,
        learning_rate=1e-3,
        schedule="cosine",
        validate_every=1000,
    ),
)
"""Task 2 of the same assignment: four latents for each of shape, scale, orientation and place,
learnt from 16,384 labelled images and 229,376 others."""

DSPRITES_RENDERER = Experiment(
    name="dsprites-renderer",
    data=DSprites.Config(labelled=16_384),
    model=PartitionedRenderer.Config(),
    training=Training(
        steps=6000,
        batch_size=128,
        labelled_per_batch=120,
        learning_rate=1e-3,
        schedule="cosine",
        validate_every=1000,
    ),
)
"""Task 2 of the same assignment with what task 3 knows: a renderer learnt from the labels, a
posterior by drawing and comparing, and an encoder that learns from labelled and drawn pictures."""

DSPRITES_MODULAR = Experiment(
    name="dsprites-modular",
    data=DSprites.Config(),
    model=ModularRenderer.Config(),
    training=Training(
        steps=1000, batch_size=64, learning_rate=1e-3, schedule="cosine", validate_every=250
    ),
)
"""Task 3 of the same assignment: a network of modules that learns shapes from pictures alone and
reads and draws them by shape, size, turn and place. The memory is learnt before the first step, in
a quarter of a minute on one core; the steps train the net that can take the place of the search."""
