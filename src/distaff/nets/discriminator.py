"""A net that tells samples of two distributions apart."""

from itertools import pairwise

from torch import nn


class Discriminator(nn.Sequential):
    """Dense layers with leaky ReLU, from a row of numbers to a logit for each distribution.

    Trained to tell samples of p (class 0) from as many samples of q (class 1), its logits come to
    differ by log p/q, the logarithm of the density ratio.

    Reference: Kim, Mnih 2018, "Disentangling by factorising", arXiv:1802.05983, appendix A: six
    layers of 1000 units. Negative slope 0.2, as in common re-implementations.
    """

    def __init__(self, inputs: int, units: int, layers: int, slope: float = 0.2) -> None:
        widths = (inputs, *[units] * layers)
        hidden: list[nn.Module] = []
        for inside, outside in pairwise(widths):
            linear = nn.Linear(inside, outside)
            nn.init.kaiming_uniform_(linear.weight, a=slope)
            nn.init.zeros_(linear.bias)
            hidden += [linear, nn.LeakyReLU(slope)]
        super().__init__(*hidden, nn.Linear(widths[-1], 2))
