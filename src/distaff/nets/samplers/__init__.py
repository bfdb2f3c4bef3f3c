"""How pictures are read between their pixels, which decides how far gradients in a place reach."""

from distaff.nets.samplers.bilinear import bilinear_sample
from distaff.nets.samplers.linearized import linearized_sample
from distaff.nets.samplers.mip_map import mip_map_sample
from distaff.nets.samplers.smooth import annealed, gaussian_blur, smooth_sample

__all__ = [
    "annealed",
    "bilinear_sample",
    "gaussian_blur",
    "linearized_sample",
    "mip_map_sample",
    "smooth_sample",
]
