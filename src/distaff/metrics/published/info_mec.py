"""InfoMEC as its authors' code computes it, for codes of few values and for continuous ones."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from distaff.arrays import Array
from distaff.metrics.prediction.classifiers import fitted
from distaff.metrics.scoring import one_thread

NEIGHBOURS = 10
ITERATIONS = 100
NARROWEST = 1 / 20
"""Share of the widest latent's range below which a continuous latent is inactive."""


class PublishedInfoMec(NamedTuple):
    """What the published code says of a code."""

    modularity: float
    """InfoM."""
    explicitness: float
    """InfoE."""
    compactness: float
    """InfoC."""
    relation: Float[np.ndarray, "latent factor"]
    """I(z; v) / H(v)."""
    active: Bool[np.ndarray, " latent"]


@one_thread()
def published_info_mec(
    codes: Float[np.ndarray, "sample latent"],
    labels: Int[np.ndarray, "sample factor"],
    *,
    discrete_latents: bool,
    seed: int,
) -> PublishedInfoMec:
    """Returns modularity, explicitness and compactness as published.

    With R = I(z; v) / H(v), K factors and A active latents,

        InfoM  mean over active latents of  max_v R / sum_v R, from 1/K..1 scaled to 0..1
        InfoC  mean over factors of         max_z R / sum_z R, from 1/A..1 scaled to 0..1
        InfoE  mean over factors of         1 - loss(linear probe) / loss(no latents)

    where R and InfoC have the active latents only, InfoE has all. Its quirks:

    - Of discrete latents, those of a quantised code, information is that of the frequencies, the
      probe sees one column for each value, and all latents of more than one value are active. Of
      continuous latents information is scikit-learn's with 10 neighbours, and those are active
      whose range is above 1/20 of the widest one's, so that scale counts.
    - The probe is a logistic regression without penalty, of 100 iterations, in which all values of
      a factor weigh alike, and its loss is that on the rows it was fitted on. The loss of no
      latents is then that of even odds, log of the number of values.
    - Factors are discrete: the published code has no other. A continuous one has to be cut.

    A latent of which no information is found, on which the published code divides 0 by 0, has even
    shares here, and so has a factor. With one active latent, where it does too, InfoC is 1.

    Args:
        codes: the representation of each image.
        labels: the index of the value of each factor, of at least two factors that vary.
        discrete_latents: whether each latent has few values.
        seed: of the noise that scikit-learn adds to continuous latents, in its way.

    Reference: Hsu, Dorrell, Whittington, Wu, Finn 2023, "Disentanglement via latent quantization",
    arXiv:2305.18378, section 5, and the code that its authors published.
    """
    extent = np.ptp(codes, axis=0)
    active = extent > (0 if discrete_latents else NARROWEST * extent.max())
    relation = _relation(codes, labels, discrete_latents, seed)
    return PublishedInfoMec(
        modularity=_largest_share(relation[active], axis=1),
        explicitness=_explicitness(codes, labels, discrete_latents),
        compactness=_largest_share(relation[active], axis=0),
        relation=relation,
        active=active,
    )


def _relation(codes: Array, labels: Array, discrete_latents: bool, seed: int) -> Array:
    if discrete_latents:
        values = [np.unique(latent, return_inverse=True)[1] for latent in codes.T]
        found = [[mutual_info_score(v, z) for v in labels.T] for z in values]
    else:
        scaled = StandardScaler().fit_transform(codes)
        # one call a latent, as published, so that each has the same noise
        found = [
            [
                float(mutual_info_classif(z, v, n_neighbors=NEIGHBOURS, random_state=seed)[0])
                for v in labels.T
            ]
            for z in scaled.T[:, :, None]
        ]
    return np.asarray(np.array(found) / [mutual_info_score(v, v) for v in labels.T])


def _largest_share(relation: Array, axis: int) -> float:
    """Mean of max / sum along an axis, scaled so that even shares, or none at all, are 0."""
    if not relation.size:
        return 0.0
    number = relation.shape[axis]
    if number == 1:
        return 1.0
    total = relation.sum(axis=axis)
    share = np.full_like(total, 1 / number)
    np.divide(relation.max(axis=axis), total, out=share, where=total > 0)
    return float((share.mean() - 1 / number) / (1 - 1 / number))


def _explicitness(codes: Array, labels: Array, discrete_latents: bool) -> float:
    encoder = OneHotEncoder(sparse_output=False) if discrete_latents else StandardScaler()
    inputs = encoder.fit_transform(codes)
    shares = []
    for label in labels.T:
        probe = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=ITERATIONS)
        probe = fitted(probe, inputs, label)
        shares.append(1 - log_loss(label, probe.predict_proba(inputs)) / np.log(label.max() + 1))
    return float(np.mean(shares))
