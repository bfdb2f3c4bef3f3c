"""Run to scores."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.stats import binomtest

from distaff.codes import OnImages, all_codes, codes_of, is_complete, some_test_images
from distaff.data import FactorDataset
from distaff.errors import UsageError
from distaff.explore import probabilities_of
from distaff.metrics import METRICS, r_squared
from distaff.metrics.arrays import FEWEST_ROWS
from distaff.models import Classifier
from distaff.registry import look_up
from distaff.runs import Run
from distaff.score import Array, Score

IMAGES = 10_000
NOT_OF_ANY_TABLE = ("udr", "partition-score", "omes", "d-lsbd")
"""Metrics that `all` leaves out: one compares several codes, one needs a latent a factor, two need
a complete set, of factors that turn for the last one."""
INTERVENTIONAL = (
    "beta-vae-score",
    "factor-vae-score",
    "interventional-robustness",
    "omes",
    "d-lsbd",
)
"""Metrics that look for images which share a factor; a complete set has them all."""


def evaluate(
    run: Run,
    metrics: Sequence[str] = (),
    *,
    images: int = IMAGES,
    seed: int = 0,
    on_images: OnImages | None = None,
) -> dict[str, Score]:
    """Measures a finished run on held-out images and keeps the scores in its folder.

    Scores that intervene, which need images that share a factor, see the whole set where it holds
    every combination of factors once. Where the set has a part `held_out`, R2 is that of its images
    read by what the test images teach. Its codes are then kept beside the scores, so that no image
    is encoded twice.
    The codes of a model are measured with metrics; of a classifier it is the accuracy.

    Args:
        run: a finished run.
        metrics: names; by default those of the run's experiment.
        images: how many test images are encoded; all of them where there are fewer.
        seed: of the choice of images and of the metrics.
        on_images: told how far the encoding of a whole set is.

    Returns:
        Metric name to score; scores measured earlier and not now are kept too.

    Raises:
        UsageError: an unknown metric, no images asked for, images without factors, or metrics
            asked for of a classifier.
        RunError: the run is not finished.
    """
    if images < 1:
        raise UsageError(f"images is {images}; it must be above 0, for example {IMAGES}.")
    dataset = run.load_dataset()
    if not dataset.factor_names:
        raise UsageError(f"{run.folder} was trained on images without factors to compare with.")
    if isinstance(run.experiment.model, Classifier.Config) and not metrics:
        return keep(run, {"accuracy": accuracy(run, dataset, images=images, seed=seed)})
    names = metrics or run.experiment.metrics
    chosen = list(functions(names))  # an unknown name is refused before anything is encoded
    whole = [name for name in chosen if name in INTERVENTIONAL and is_complete(dataset)]
    unseen = [name for name in chosen if name == "r-squared" and "held_out" in dataset.parts]
    rest = [name for name in chosen if name not in (*whole, *unseen)]
    measured: dict[str, Score] = {}
    if unseen:
        measured["r-squared"] = generalization(run, dataset, images=images, seed=seed)
    if whole:
        codes, factors = all_codes(run, dataset, on_images), dataset.factors.numpy()
        measured |= measure(codes, factors, whole, factor_names=dataset.factor_names, seed=seed)
    if rest:
        codes, factors = codes_and_factors(run, dataset, images=images, seed=seed)
        measured |= measure(codes, factors, rest, factor_names=dataset.factor_names, seed=seed)
    return keep(run, {name: measured[name] for name in chosen})


def measurable(run: Run) -> bool:
    """Returns whether the set of a run has factors, and test images enough, to measure codes by."""
    dataset = run.load_dataset()
    return bool(dataset.factor_names) and len(dataset.parts["test"]) >= FEWEST_ROWS


def keep(run: Run, scores: dict[str, Score]) -> dict[str, Score]:
    """Writes scores into a run's folder, beside those that are there, and returns all.

    Raises:
        RunError: the folder cannot be written to.
    """
    kept = run.scores | scores
    run.write("scores.json", {name: to_json(score) for name, score in kept.items()})
    return kept


def functions(names: Sequence[str]) -> dict[str, Callable[..., Score]]:
    """Returns the metrics of these names; `all` stands for every metric of one table of codes.

    Raises:
        UsageError: an unknown metric, or one that needs the codes of several runs.
    """
    if "udr" in names:
        raise UsageError(
            "udr compares runs that differ by their seed; distaff compare FOLDER --udr measures it."
        )
    if tuple(names) == ("all",):
        return {name: metric for name, metric in METRICS.items() if name not in NOT_OF_ANY_TABLE}
    return {name: look_up(METRICS, name, "metric") for name in names}


def measure(
    codes: Array,
    factors: Array,
    names: Sequence[str],
    *,
    factor_names: Sequence[str] | None,
    seed: int = 0,
) -> dict[str, Score]:
    """Measures codes, whoever made them.

    Args:
        codes: [image, latent].
        factors: whole numbers, [image, factor].
        names: of the metrics, or `all`.
        factor_names: of the columns of `factors`.
        seed: of the metrics.

    Raises:
        UsageError: an unknown metric, or arrays of which there is no such score.
    """
    if len(codes) != len(factors):
        raise UsageError(
            f"{len(codes)} rows of codes and {len(factors)} of factors; give a row for each image "
            f"in both."
        )
    scores = {}
    for name, metric in functions(names).items():
        try:
            scores[name] = metric(codes, factors, factor_names=factor_names, seed=seed)
        except ValueError as error:
            raise UsageError(f"{name}: {error}.") from None
    return scores


def codes_and_factors(
    run: Run, dataset: FactorDataset, *, images: int, seed: int
) -> tuple[Array, Array]:
    """Returns posterior means, [image, latent], and factors, [image, factor], of test images."""
    rows = some_test_images(dataset, images, seed)
    factors = dataset.factors_at(rows).numpy()
    return codes_of(run, dataset, rows).astype(np.float64), factors


def generalization(run: Run, dataset: FactorDataset, *, images: int, seed: int) -> Score:
    """Returns R2 of the factors of held-out images, read by what the test images teach.

    Raises:
        UsageError: too few images for a score.
    """
    parts = [
        some_test_images(dataset, images, seed, part=part).cpu() for part in ("test", "held_out")
    ]
    rows = torch.cat(parts)
    try:
        return r_squared(
            codes_of(run, dataset, rows).astype(np.float64),
            dataset.factors_at(rows).numpy(),
            held_out=np.arange(len(rows)) >= len(parts[0]),
            factor_names=dataset.factor_names,
            seed=seed,
        )
    except ValueError as error:
        raise UsageError(f"r-squared: {error}.") from None


def accuracy(run: Run, dataset: FactorDataset, *, images: int, seed: int) -> Score:
    """Returns how often a classifier is right about random test images, and about each value.

    The interval is Wilson's; chance is always to name the commonest value.
    """
    classifier = run.load_model()
    assert isinstance(classifier, Classifier)  # the caller has looked
    chosen = dataset.subset(some_test_images(dataset, images, seed))
    truth = chosen.factors[:, classifier.factor].long().numpy()
    right = probabilities_of(classifier, chosen).argmax(axis=1) == truth
    name = dataset.factor_names[classifier.factor]
    low, high = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return Score(
        value=float(right.mean()),
        interval=(float(low), float(high)),
        chance=float(np.bincount(truth).max() / len(truth)),
        ceiling=1.0,
        estimator=f"{len(right)} images",
        parts={
            f"{name} {value}": float(right[truth == value].mean()) for value in np.unique(truth)
        },
    )


def to_json(score: Score) -> dict[str, object]:
    """Returns a score as plain JSON."""
    relation = None if score.relation is None else score.relation.tolist()
    return score._asdict() | {"parts": dict(score.parts), "relation": relation}
