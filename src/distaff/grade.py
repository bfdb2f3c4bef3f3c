"""The grader of task 2.i of the assignment "Rendering images with latent semi-supervision"."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Num

from distaff.data import FactorDataset
from distaff.data.base import OnImages
from distaff.errors import UsageError, first_line
from distaff.metrics import METRICS
from distaff.metrics.measuring import check_seed
from distaff.metrics.score import Score
from distaff.models import Model, Partitioned
from distaff.runs.codes import some_test_images

CLASS = "SSLatentVAE"
BATCH = 256
FEWEST = 400
"""Images, so that each value of a position is seen several times in either half."""
LATENT_SCALE = 20.0
"""By which a model's latents are multiplied for the grader; from 5 on its score is the same."""
Codes = Float[np.ndarray, "image latent"]


@runtime_checkable
class Gradable(Protocol):
    """What the assignment asks of a class `SSLatentVAE`."""

    def load(self) -> None:
        """Restores the parameters; called once."""

    def sample_z_given_x(self, x: Float[np.ndarray, "batch height width"]) -> Any:
        """Returns a sample of the latents of each image, [batch, ...]; flattened if need be."""

    def get_partition_indices(self) -> Sequence[tuple[int, int]]:
        """Returns for each factor the first latent of its part, and the one after the last."""


class SSLatentVAE:
    """A model with parts, as the assignment's class: latents twenty times as large, as arrays.

    The grader's classifier has a fixed penalty, which weighs less the larger the latents are.
    """

    def __init__(self, model: Model) -> None:
        """Takes a trained model.

        Args:
            model: such as a partitioned VAE.

        Raises:
            UsageError: its latents are not in parts.
        """
        if not isinstance(model, Partitioned):
            raise UsageError(
                f"a {type(model).__name__} has no parts of latents; give a run of a "
                f"partitioned-vae or a partitioned-renderer."
            )
        self.model = model

    def load(self) -> None:
        """Does nothing: the model is loaded already."""

    def sample_z_given_x(self, x: Float[np.ndarray, "batch height width"]) -> Codes:
        """Returns a sample of the latents of each image, [batch, latent]."""
        posterior = self.model.encode(x[:, None])
        noise = torch.randn(posterior.mean.shape).numpy()
        codes: Codes = LATENT_SCALE * (posterior.mean + np.exp(posterior.log_std) * noise)
        return codes

    def get_partition_indices(self) -> Sequence[tuple[int, int]]:
        """Returns for each factor the first latent of its part, and the one after the last."""
        return self.model.partition_indices


def from_file(path: Path | str) -> Gradable:
    """Returns an instance of the class `SSLatentVAE` of a Python file.

    The file is run: give one that you trust. It can import what lies beside it.

    Args:
        path: a Python file.

    Raises:
        UsageError: there is no such file, it fails, or it has no such class with the three methods.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"no file {path}; give a Python file with a class {CLASS}.")
    # its own name, by which pickles find its classes, unless that is another module's
    name = path.stem if path.stem not in sys.modules else f"graded_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file; give one with a class {CLASS}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        _own(f"{path}", lambda: spec.loader.exec_module(module))  # type: ignore[union-attr]
        found = getattr(module, CLASS, None)
        if not isinstance(found, type):
            raise UsageError(f"{path} has no class {CLASS}; the assignment asks for it.")
        methods = ("load", "sample_z_given_x", "get_partition_indices")
        missing = [name for name in methods if not callable(getattr(found, name, None))]
        if missing:
            raise UsageError(f"{CLASS} in {path} has no method {', '.join(missing)}; write it.")
        instance: Gradable = _own(f"{CLASS}()", found)
        return instance
    finally:
        sys.path.remove(str(path.parent.resolve()))


def grade(
    model: Gradable,
    dataset: FactorDataset,
    *,
    split: str = "test",
    images: int = 4096,
    seed: int = 0,
    on_images: OnImages | None = None,
) -> Score:
    """Grades a model as the assignment does, from 0 to 50.

    `load`, then a sample of the latents of images that are drawn at random, then for each factor
    `LogisticRegression()` on its part of the latents, learnt from one half of the images and scored
    on the other: 50 times the mean accuracy (`partition_score`). On dSprites no model can be
    expected to score above 49.707, since some pictures have several labels (`bayes_accuracies`).

    Args:
        model: of the assignment's class; it is given float32 images, [batch, height, width], 0 or 1
            for dSprites.
        dataset: for example `distaff.data.load("dsprites")`; those of its factors that vary are
            asked for, in their order.
        split: which of its images.
        images: how many of them; all where there are fewer.
        seed: of the choice of images and of the score; also of torch's and NumPy's generators, from
            which the model may draw its sample.
        on_images: called with the images that are encoded, and all.

    Returns:
        The score, with the accuracy of each factor in `parts`.

    Raises:
        UsageError: the model fails; it has not one part for each factor, or parts that overlap, are
            empty or end outside the latents; its latents have a wrong number of rows, are no
            numbers or are not finite; too few images are asked for, or there is no such split.

    Reference: "Rendering images with latent semi-supervision", assignment of the course CS 699 of
    the University of Southern California, task 2.i.
    """
    check_seed(seed)
    if images < FEWEST:
        raise UsageError(f"images is {images}; give {FEWEST} or more.")
    if split not in dataset.splits:
        raise UsageError(f"no split {split!r}; choose of {', '.join(dataset.splits)}.")
    rows = some_test_images(dataset, images, seed, split=split)
    sizes = dict(zip(dataset.factor_names, dataset.factor_sizes, strict=True))
    names = [name for name, size in sizes.items() if size > 1]
    _own("load()", model.load)
    parts = _parts(model, names)
    torch.manual_seed(seed)
    np.random.seed(seed)  # the generator of files that know no other
    codes = _codes(model, dataset, rows, on_images)
    outside = [part for part in parts if part[1] > codes.shape[1]]
    if outside:
        raise UsageError(
            f"get_partition_indices() has {outside[0]}, and sample_z_given_x gives "
            f"{codes.shape[1]} latents; end every part at {codes.shape[1]} at most."
        )
    factors = dataset.factors_at(rows).numpy()
    try:
        score: Score = METRICS["partition-score"](
            codes, factors, partitions=parts, factor_names=dataset.factor_names, seed=seed
        )
    except ValueError as error:
        raise UsageError(f"the latents cannot be graded: {error}.") from None
    return score


def _own(what: str, call: Callable[[], Any]) -> Any:
    """Calls what a person wrote.

    Raises:
        UsageError: whatever it raises, in a sentence.
    """
    try:
        return call()
    except (Exception, SystemExit) as error:
        reason = first_line(error) or "no reason given"
        raise UsageError(f"{what} fails with {type(error).__name__}: {reason}.") from error


def _parts(model: Gradable, names: Sequence[str]) -> list[tuple[int, int]]:
    given = _own("get_partition_indices()", model.get_partition_indices)
    wanted = f"give {len(names)} pairs (first, one after the last)"
    try:
        parts = [(int(start), int(stop)) for start, stop in given]
    except (TypeError, ValueError):
        raise UsageError(f"get_partition_indices() gives {given!r:.80}; {wanted}.") from None
    if len(parts) != len(names):
        raise UsageError(
            f"get_partition_indices() gives {len(parts)} parts for the {len(names)} factors "
            f"{', '.join(names)}; {wanted}."
        )
    for start, stop in parts:
        if not 0 <= start < stop:
            raise UsageError(f"the part ({start}, {stop}) holds no latent; {wanted}.")
    ordered = sorted(parts)
    for (first, end), (start, stop) in pairwise(ordered):
        if start < end:
            raise UsageError(
                f"the parts ({first}, {end}) and ({start}, {stop}) overlap; give each latent to "
                f"one factor."
            )
    return parts


def _codes(
    model: Gradable,
    dataset: FactorDataset,
    rows: torch.Tensor,
    on_images: OnImages | None,
) -> Codes:
    batches = []
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        images = dataset.images_at(some)[:, 0].float().numpy()
        latents = _own("sample_z_given_x", lambda images=images: _sample(model, images))  # type: ignore[misc]
        batches.append(_checked(latents, len(some)))
        if on_images:
            on_images(start + len(some), len(rows))
    widths = {batch.shape[1] for batch in batches}
    if len(widths) > 1:
        raise UsageError(
            f"sample_z_given_x gives {' and '.join(map(str, sorted(widths)))} latents in different "
            f"batches; give the same number for every image."
        )
    return np.concatenate(batches)


def _sample(model: Gradable, images: Num[np.ndarray, "batch height width"]) -> Any:
    with torch.no_grad():
        latents = model.sample_z_given_x(images)
    return latents.detach().cpu() if isinstance(latents, torch.Tensor) else latents


def _checked(latents: Any, count: int) -> Codes:
    try:
        codes = np.asarray(latents, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError("sample_z_given_x gives no array of numbers; give [batch, d].") from None
    if codes.ndim < 2 or len(codes) != count:
        raise UsageError(
            f"sample_z_given_x gives {codes.shape} for {count} images; give [{count}, d]."
        )
    if not np.isfinite(codes).all():
        raise UsageError("sample_z_given_x gives NaN or infinite latents; train without them.")
    return codes.reshape(count, -1)
