"""Grey images as binary ones."""

import torch

from distaff.types import Images


def binarize(images: Images, generator: torch.Generator) -> Images:
    """Returns images whose pixels are 1 with the probability that the grey level names, else 0.

    Drawn again at each visit of a training image this is the stochastic binarisation of the
    literature; a test set is drawn once, from a generator whose seed is stated with the number.

    Args:
        images: [batch, channel, height, width] in [0, 1].
        generator: on the device of the images.

    Reference: Salakhutdinov & Murray 2008, "On the quantitative analysis of deep belief
    networks", section 4; Burda et al. 2016, "Importance weighted autoencoders", section 5.
    """
    uniform = torch.rand(images.shape, generator=generator, device=images.device)
    return (uniform < images).to(images.dtype)
