"""The module that draws: a spatial transformer of templates.

Reference: Jaderberg, Simonyan, Zisserman, Kavukcuoglu 2015, "Spatial transformer networks".
"""

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.nets.renderer.pose import Pose, frame_points
from distaff.nets.samplers import bilinear_sample


def render(
    templates: Float[Tensor, "batch side side"], pose: Pose, height: int, width: int
) -> Float[Tensor, "batch height width"]:
    """Returns each template drawn at its pose, black beyond its frame.

    Bilinear, hence differentiable in template and pose almost everywhere.

    Args:
        templates: one for each picture, in [0, 1].
        pose: where it is drawn.
        height: of the picture in pixels.
        width: of the picture in pixels.
    """
    grid = torch.stack(frame_points(pose, height, width), dim=-1)
    picture: Tensor = bilinear_sample(templates[:, None], grid)[:, 0]
    return picture
