"""Seeds to scores: whether the runs of one experiment found the same latents."""

from collections import defaultdict
from collections.abc import Sequence

from distaff.errors import UsageError
from distaff.evaluate import IMAGES, keep
from distaff.inference.encode import kl_of_latents, posterior_of
from distaff.metrics import udr
from distaff.metrics.score import Score
from distaff.runs import Run
from distaff.runs.codes import some_test_images


def agree(runs: Sequence[Run], *, images: int = IMAGES, seed: int = 0) -> dict[str, Score]:
    """Measures UDR for each experiment with two finished runs or more.

    Each run keeps its own score, how far it agrees with the others, as `udr`; their mean is the
    score of the experiment. Runs that are measured later change both.

    Args:
        runs: those that are not finished are left out.
        images: how many test images are encoded, the same by every run.
        seed: of the choice of images and of the score.

    Returns:
        Experiment, as recipe and hash of its config, to score.

    Raises:
        UsageError: no two finished runs of the same experiment.
        RunError: a folder cannot be written to.
    """
    seeds: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.finished:
            seeds[f"{run.experiment.name}/{run.experiment.config_hash}"].append(run)
    several = {name: group for name, group in seeds.items() if len(group) > 1}
    if not several:
        raise UsageError(
            "udr needs two finished runs of one experiment; train more with distaff train RECIPE "
            "--seeds 0 1 2."
        )
    return {name: _agreement(group, images, seed) for name, group in several.items()}


def _agreement(runs: Sequence[Run], images: int, seed: int) -> Score:
    dataset = runs[0].load_dataset()
    chosen = dataset.subset(some_test_images(dataset, images, seed))
    posteriors = [posterior_of(run.load_vae(), chosen) for run in runs]
    score = udr(
        [posterior.mean.double().numpy() for posterior in posteriors],
        kl=[kl_of_latents(posterior) for posterior in posteriors],
        seed=seed,
    )
    for place, run in enumerate(runs):
        own = score._replace(
            value=score.parts[f"model {place}"], interval=None, parts={}, relation=None
        )
        keep(run, {"udr": own})
    return score
