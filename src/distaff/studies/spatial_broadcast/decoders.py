"""What the tasks of the spatial broadcast study share: its decoders, and where codes lie."""

import numpy as np
import torch

from distaff.arrays import Array
from distaff.data import Circles
from distaff.measures.latent_geometry import most_informative
from distaff.nets import DeconvolutionDecoder, SpatialBroadcastDecoder
from distaff.runs import Run

DECODERS = {
    "deconvolution": DeconvolutionDecoder.Config(),
    "spatial-broadcast": SpatialBroadcastDecoder.Config(),
}
TITLES = {"deconvolution": "deconvolution", "spatial-broadcast": "spatial broadcast"}
VARIANCE = 0.3
"""Of the Gaussian decoder; the document's 0.3 is a variance."""


@torch.no_grad()
def codes_of_positions(run: Run, positions: Array) -> Array:
    """Posterior means of red circles in the two most informative latents, [position, 2]."""
    circles = Circles(run.experiment.data)
    rest = torch.tensor([0.0, run.experiment.data.shape_sizes[0], 0.0], dtype=torch.float64)
    values = torch.cat([torch.as_tensor(positions), rest.expand(len(positions), 3)], dim=1)
    posterior = run.load_vae().encode(circles.draw(values, "cpu"))
    chosen = most_informative(posterior.log_std.numpy())
    return np.asarray(posterior.mean.numpy()[:, chosen], dtype=np.float64)
