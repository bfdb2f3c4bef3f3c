"""Document 004: does a decoder that knows where each pixel is order the latent space better?"""

from distaff.studies.spatial_broadcast.study import SpatialBroadcast

__all__ = ["SpatialBroadcast"]
