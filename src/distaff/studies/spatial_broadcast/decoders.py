"""What the tasks of the spatial broadcast study share: its decoders, and where codes lie."""

import numpy as np
import torch

from distaff.arrays import Array
from distaff.data import Circles
from distaff.measures.latent_geometry import most_informative
from distaff.nets import DeconvolutionDecoder, SpatialBroadcastDecoder
from distaff.runs import OpenRun, Run

DECODERS = {
    "deconvolution": DeconvolutionDecoder.Config(),
    "spatial-broadcast": SpatialBroadcastDecoder.Config(),
}
TITLES = {"deconvolution": "deconvolution", "spatial-broadcast": "spatial broadcast"}
VARIANCE = 0.3
"""Of the Gaussian decoder; the document's 0.3 is a variance."""


def circles_of(run: Run) -> Circles.Config:
    """Returns the settings of the circles that a run was trained on."""
    config = run.experiment.data
    assert isinstance(config, Circles.Config)  # every run of this study
    return config


@torch.no_grad()
def codes_of_positions(opened: OpenRun, positions: Array) -> Array:
    """Posterior means of red circles in the two most informative latents, [position, 2]."""
    config = circles_of(opened.run)
    circles = Circles(config)
    rest = torch.tensor([0.0, config.shape_sizes[0], 0.0], dtype=torch.float64)
    values = torch.cat([torch.as_tensor(positions), rest.expand(len(positions), 3)], dim=1)
    posterior = opened.generative.encode(circles.draw(values, "cpu"))
    chosen = most_informative(posterior.log_std.numpy())
    return np.asarray(posterior.mean.numpy()[:, chosen], dtype=np.float64)
