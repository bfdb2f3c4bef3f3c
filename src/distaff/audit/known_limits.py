"""What scores come to with ever more images, where a closed form or quadrature tells.

All are of codes with one latent a factor and independent factors: each latent z tells of its own
factor v only, with the information I and the entropies H(v) and H(z), in nats.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtr

CELLS = 100
"""Of equal frequency, up to which the joint entropy gap resolves a continuous variable."""


def limits_of_information(
    information: Sequence[float], factor_entropy: Sequence[float], latent_entropy: Sequence[float]
) -> Mapping[str, float]:
    """Returns the limits of the scores that read mutual information of discrete factors.

    The second latent of a factor, and the second factor of a latent, have I = 0. So the gaps are
    the mean of I / H(v), or the sum of I over that of H(v) for DCIMIG; modularity and MED are 1,
    as are InfoM and InfoC; InfoE is the mean of I / H(v) where a linear probe can be as good as
    Bayes' rule; JEMMIG is the mean of 1 - (H(z) + H(v) - 2 I) / (H(v) + log 100).

    Args:
        information: I of each factor and its latent.
        factor_entropy: H(v) of each factor.
        latent_entropy: H(z) of each latent, log 100 for a continuous one.
    """
    shared, of_factor, of_latent = map(np.array, (information, factor_entropy, latent_entropy))
    gap = float((shared / of_factor).mean())
    rest = (of_latent + of_factor - 2 * shared) / (of_factor + math.log(CELLS))
    return {
        **_of_share(gap),
        "dci-mig": float(shared.sum() / of_factor.sum()),
        "jemmig": float(1 - rest.mean()),
    }


def _of_share(gap: float) -> dict[str, float]:
    """The limits that the mean share of the factors that is known decides."""
    gaps = ("mutual-information-gap", "dmig", "xmig", "unibound", "mig-sup", "dlig")
    ones = ("modularity", "med")
    return {
        **dict.fromkeys(gaps, gap),
        **dict.fromkeys(ones, 1.0),
        "info-mec": (1 + gap + 1) / 3,
    }


def limits_of_noisy_values(sizes: Sequence[int], noise: float) -> Mapping[str, float]:
    """Returns the limits for z = v + noise e, with v uniform and of variance 1, e standard normal.

    The information is found by quadrature. The values of v are equally far apart and have the same
    noise, so that log p(v | z) is linear in z but for a constant, and a linear probe is as good as
    Bayes' rule. Pearson's correlation is (1 + noise^2)^(-1/2); it is the MCC after a linear map,
    and its square is that of linear regression. The MCC is Spearman's correlation.

    Args:
        sizes: number of values of each factor.
        noise: standard deviation, as a share of that of the factor.
    """
    entropy = [math.log(size) for size in sizes]
    information = [information_of_noisy_values(size, noise) for size in sizes]
    cells = [math.log(CELLS)] * len(sizes)
    return {
        **limits_of_information(information, entropy, cells),
        "r-squared": 1 / (1 + noise**2),
        "weak-mcc": (1 + noise**2) ** -0.5,
        "mcc": float(np.mean([rank_correlation_of_noisy_values(size, noise) for size in sizes])),
    }


def information_of_noisy_values(size: int, noise: float) -> float:
    """Returns I(z; v) = h(z) - log(noise sqrt(2 pi e)) in nats, with h(z) by quadrature.

    The trapezoidal rule converges exponentially for a sum of normal densities.

    Args:
        size: number of values of v, uniform, equally spaced and of variance 1.
        noise: standard deviation of the normal noise.
    """
    values = np.arange(size) / np.arange(size).std()
    grid = np.arange(-12 * noise, values[-1] + 12 * noise, noise / 20)
    kernel = np.exp(-(((grid[:, None] - values) / noise) ** 2) / 2)
    density = kernel.mean(axis=1) / (noise * math.sqrt(2 * math.pi))
    positive = density[density > 0]
    entropy = -float((positive * np.log(positive)).sum()) * noise / 20
    return entropy - math.log(noise) - 0.5 * math.log(2 * math.pi * math.e)


def rank_correlation_of_noisy_values(size: int, noise: float) -> float:
    """Returns Spearman's correlation of v and z = v + noise e, with v as above.

    The rank of z is F(z) = mean over j of Phi((z - v_j) / noise), uniform, of variance 1 / 12, and
    E[F(z) | v_k] = mean over j of Phi((v_k - v_j) / (noise sqrt(2))).
    """
    values = np.arange(size) / np.arange(size).std()
    rank = ndtr((values[:, None] - values) / (noise * math.sqrt(2))).mean(axis=1)
    return math.sqrt(12) * float(((values - values.mean()) * rank).mean())


def limits_of_cut_values(sizes: Sequence[int], cut: int) -> Mapping[str, float]:
    """Returns the limits for z = floor(cut v / size), with v uniform on 0 to size - 1.

    I = H(z), since v decides z. A linear probe with large weights comes as near as one likes to
    equal shares for the values of a cell, so InfoE is the mean of H(z) / H(v). MCC after a linear
    map is the correlation of v and z, and R squared the mean of its square.

    Args:
        sizes: number of values of each factor.
        cut: number of cells.
    """
    tables = [cut * np.arange(size) // size for size in sizes]
    share = [np.bincount(table) / len(table) for table in tables]
    of_latent = [-float((p * np.log(p)).sum()) for p in share]
    correlation = [np.corrcoef(np.arange(len(table)), table)[0, 1] for table in tables]
    return {
        **limits_of_information(of_latent, [math.log(size) for size in sizes], of_latent),
        "r-squared": float(np.square(correlation).mean()),
        "weak-mcc": float(np.mean(correlation)),
    }


def limits_of_correlated_normals(rho: float) -> Mapping[str, float]:
    """Returns the limits for standard normal v and z of correlation rho.

    I = -log(1 - rho^2) / 2. Of a continuous factor the share that is known is 1 - exp(-2 I), the
    square of Linfoot's informational correlation, here rho^2; so the gaps, DCIMIG and InfoE are
    rho^2, as are SAP and R squared, which are squared correlations; MCC after a linear map is rho.
    JEMMIG is I / log 100, both
    entropies being log 100. MCC is Spearman's correlation 6 / pi arcsin(rho / 2) (Pearson 1907,
    "On further methods of determining correlation").

    Args:
        rho: correlation of each latent with its factor.
    """
    information = -math.log(1 - rho**2) / 2
    return {
        **_of_share(rho**2),
        "dci-mig": rho**2,
        "jemmig": information / math.log(CELLS),
        "sap": rho**2,
        "r-squared": rho**2,
        "weak-mcc": rho,
        "mcc": 6 / math.pi * math.asin(rho / 2),
    }
