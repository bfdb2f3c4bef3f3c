"""What fools each score: the one place where it is written down, for the docs and the command line.

`distaff audit` shows most of it in numbers, and docs/metrics.md quotes them.
"""

from collections.abc import Mapping

CAVEATS: Mapping[str, str] = {
    "beta-vae-score": (
        "Rotation and noise: the classifier finds a direction that tells the factors apart in "
        "nearly any code. Believe a low value, not a high one."
    ),
    "factor-vae-score": (
        "A latent that mixes two factors varies least when either of them is fixed, so half of "
        "its votes are right by luck; a small rotation goes unseen. Copies cost nothing."
    ),
    "mutual-information-gap": (
        "It is hard on noise: information falls fast with it. Factors that depend on one another "
        "keep it below 1 whatever the code; ask dmig there."
    ),
    "mig-sup": (
        "It does not ask whether all factors are known, nor how often: one good latent is enough."
    ),
    "jemmig": (
        "Copies and mixing cost less than they should, since the second place counts by a share "
        "of the whole scale, and chance is well above 0 for latents of few values. A continuous "
        "latent of a factor of few values is charged for its further detail."
    ),
    "dci-mig": (
        "It counts nats, not factors: without the factors of few values it hardly falls. Copies "
        "cost nothing."
    ),
    "dmig": (
        "Which latent belongs to which factor is an assignment from the same images, so that it "
        "can change with little where two latents know a factor alike. The less a factor has of "
        "its own, the less certain is its gap."
    ),
    "xmig": (
        "It is blind to latents that mix the factors they belong to, and to too few latents of no "
        "factor: where there is none, nothing is subtracted."
    ),
    "dlig": (
        "It does not ask whether all factors are known. A gap in nats makes a factor of few "
        "values lose to a faint trace of one that has many."
    ),
    "unibound": (
        "What the others tell is bounded from below: where neither discriminant analysis nor "
        "trees find it, as behind a knot of many latents, the score is too high. It is hard on "
        "noise."
    ),
    "dci": (
        "Mixing costs about half of what it should. A factor that is hardly known counts in full "
        "or not at all. Numbers of one predictor mean nothing to another; read D beside I."
    ),
    "dci-es": (
        "Little. A rotation costs some, since ranks bend the axes of a rotated code; near misses "
        "count as errors."
    ),
    "sap": "Little: it gives the expected answer to every code of the audit.",
    "tad": (
        "A threshold: a factor whose best latent has an AUROC just below 0.75 counts as nothing, "
        "one just above in full. A latent that captures several factors is not held against it. A "
        "factor that no latent follows in order goes unseen."
    ),
    "modularity": (
        "Mixing: a latent of two factors out of five still has 0.75, so that it never falls near "
        "0. It does not ask whether all factors are known."
    ),
    "explicitness": "Near misses count little, so that it is lenient with noise; chance is 0.5.",
    "interventional-robustness": (
        "Mixing, if less than modularity. Heavy tails and outliers, in the published version."
    ),
    "omes": (
        "Noise: a latent of noise moves with every factor, and its weight in the mean is as large "
        "as that of a good one. Latents count alike whatever their scale."
    ),
    "info-mec": (
        "InfoC counts shares, so that two copies keep nearly half; InfoE is 1 for any rotation. "
        "Read its three parts, not their mean."
    ),
    "edi": (
        "Copies lower compactness by a root mean square over all latents, so that the more latents "
        "there are, the less a copy costs. What all latents together tell is bounded from below. "
        "Read its three parts, not their mean."
    ),
    "med": (
        "Mixing costs less than it should, as in DCI, and noise of a latent nothing at all, since "
        "only shares of information count. It does not ask whether all factors are known."
    ),
    "mcc": (
        "Mixing: latents turned by 45 degrees keep 0.71 of their factors. A relation that rises "
        "and falls again counts as none, and the values of a factor without an order are taken in "
        "the order of their index."
    ),
    "weak-mcc": (
        "It is meant to be blind to any linear mixing, so that a high value says nothing of "
        "disentanglement. A bent code costs, though each factor is known."
    ),
    "r-squared": (
        "It is blind to rotation. Held-out rows that vary less than all rows have a high R2 for a "
        "guess at their mean, and a code that bends outside of what was seen may score as one "
        "that knows nothing."
    ),
    "udr": (
        "Agreement in error: it is 1 where all seeds mix the same factors or miss the same ones. "
        "A latent of noise counts as one that no other model has, unless `kl` says that it is "
        "unused."
    ),
    "gaussian-total-correlation": (
        "Noise is independent and scores 1. Dependence without correlation goes unseen, and one "
        "copied latent makes it 0."
    ),
    "wasserstein-correlation": (
        "Noise is independent and scores 1; dependence without correlation goes unseen."
    ),
    "pairwise-mutual-information": (
        "Noise is independent and scores 1. It is a mean over pairs, in which a few dependent "
        "ones weigh little."
    ),
    "factorized-support": (
        "Noise has every combination and scores as well as any code can. As a maximum it follows "
        "single images, and a combination that is rare in the data counts as one that the code "
        "rules out."
    ),
    "downstream-accuracy": (
        "Few labels: noise latents and rotations then cost accuracy, which is what it asks. Read "
        "it against its ceiling."
    ),
    "partition-score": (
        "Its penalty: one latent for a factor of 40 values gets little, whatever it knows. Give "
        "each factor several latents, or a larger scale."
    ),
    "d-lsbd": (
        "A latent of noise with more variance than the circle hides it, and so does a change of "
        "scale of one latent. A factor that does not turn, taken for cyclic, costs a good code."
    ),
}
