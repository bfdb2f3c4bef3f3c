"""Run to scores."""

from collections.abc import Sequence

import torch

from distaff.data import FactorDataset
from distaff.errors import UsageError
from distaff.explore import posterior_of
from distaff.metrics import METRICS
from distaff.registry import look_up
from distaff.runs import Run
from distaff.score import Array, Score

IMAGES = 10_000


def evaluate(
    run: Run, metrics: Sequence[str] = (), *, images: int = IMAGES, seed: int = 0
) -> dict[str, Score]:
    """Measures a finished run on held-out images and keeps the scores in its folder.

    Args:
        run: a finished run.
        metrics: names; by default those of the run's experiment.
        images: how many test images are encoded; all of them where there are fewer.
        seed: of the choice of images and of the metrics.

    Returns:
        Metric name to score; scores measured earlier and not now are kept too.

    Raises:
        UsageError: an unknown metric, or images without factors.
        RunError: the run is not finished.
    """
    names = metrics or run.experiment.metrics
    functions = {name: look_up(METRICS, name, "metric") for name in names}
    dataset = run.load_dataset()
    if not dataset.factor_names:
        raise UsageError(f"{run.folder} was trained on images without factors to compare with.")
    codes, factors = codes_and_factors(run, dataset.part("test"), images=images, seed=seed)
    scores = run.scores | {
        name: metric(codes, factors, factor_names=dataset.factor_names, seed=seed)
        for name, metric in functions.items()
    }
    run.write("scores.json", {name: _to_json(score) for name, score in scores.items()})
    return scores


def codes_and_factors(
    run: Run, dataset: FactorDataset, *, images: int, seed: int
) -> tuple[Array, Array]:
    """Returns posterior means, [image, latent], and factors, [image, factor], of random images."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(dataset), generator=generator)[:images]
    chosen = dataset.subset(rows)
    posterior = posterior_of(run.load_model(), chosen)
    return posterior.mean.double().numpy(), chosen.factors.long().numpy()


def _to_json(score: Score) -> dict[str, object]:
    relation = None if score.relation is None else score.relation.tolist()
    return score._asdict() | {"parts": dict(score.parts), "relation": relation}
