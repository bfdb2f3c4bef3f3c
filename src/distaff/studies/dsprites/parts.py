"""Task 2: parts of latents that say one factor each, and images mixed from two."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from distaff import figures
from distaff.data import FactorDataset, load
from distaff.figures.number_matrix import number_matrix
from distaff.grade import SSLatentVAE, grade
from distaff.inference.recovery import read_back
from distaff.metrics import METRICS
from distaff.metrics.score import Score
from distaff.models import GenerativeModel, ModularRenderer, PartitionedRenderer, build
from distaff.runs.codes import some_test_images
from distaff.studies.study import Results, StudyContext, over_seeds

NAMES = ("shape", "scale", "orientation", "posX", "posY")
SWAPS = (*((name,) for name in NAMES), ("shape", "scale", "posY"))
"""Factors taken from the second image; the last are those of the document's own mix."""


def grades(bench: StudyContext, images: int) -> Results:
    """What the assignment's grader says of each model, and what each part says of each factor."""
    opened = bench.open(bench.run("renderer"))
    dataset, refined = opened.dataset, _renderer(opened.generative)
    models: dict[str, GenerativeModel] = {
        "renderer, refined": refined,
        "renderer, encoder": feed_forward(refined),
        "partitioned VAE": bench.open(bench.run("partitioned")).generative,
    }
    table = {
        name: _as_numbers(grade(SSLatentVAE(model), dataset, images=images))
        for name, model in models.items()
    }
    matrix = _every_part(refined, dataset, images)
    bench.draw(
        "parts",
        number_matrix(
            matrix,
            row_names=NAMES,
            column_names=NAMES,
            axis_names=("part of the latents", "factor"),
            label="accuracy",
        ),
        "How well the assignment's classifier reads each factor from each part of the refined "
        "renderer's latents; a factor that a part says nothing of is guessed.",
    )
    chance = {
        name: float(np.bincount(values).max() / len(values))
        for name, values in zip(NAMES, _factors(dataset, images).T, strict=True)
    }
    return {"grades": table, "matrix": matrix.tolist(), "chance": chance, "images": images}


def label_curve(
    bench: StudyContext, labels: Sequence[int], draws: int, unlabelled: int, images: int
) -> Results:
    """The grade against the number of labels, with and without unlabelled images."""
    curve: dict[str, dict[str, dict[str, float]]] = {}
    for count in labels:
        own: dict[str, list[float]] = {"labels and images": [], "labels alone": []}
        for draw in range(draws):
            dataset = load("dsprites", labelled=count, label_seed=draw)
            for way, more in (("labels and images", unlabelled), ("labels alone", 0)):
                config = PartitionedRenderer.Config(unlabelled=more)
                model = build(config, dataset.spec, seed=draw)
                model.begin(dataset.split("train"), seed=draw)
                found = grade(SSLatentVAE(_renderer(model.eval())), dataset, images=images)
                own[way].append(found.value)
        curve[str(count)] = {way: over_seeds(values) for way, values in own.items()}
    bench.draw(
        "label-curve",
        figures.intervals(
            {
                f"{count} labels": {
                    way: (found["mean"], found["low"], found["high"]) for way, found in ways.items()
                }
                for count, ways in curve.items()
            },
            quantity="score, of at most 49.707",
        ),
        f"The grade of the refined renderer, learnt from so many labelled images alone, or from "
        f"these and {unlabelled} unlabelled ones; with several draws of the labelled images the "
        f"mean and its 95 % interval.",
    )
    return {"curve": curve, "draws": draws, "unlabelled": unlabelled, "images": images}


def mixtures(bench: StudyContext, pairs: int) -> Results:
    """Images drawn from parts of two others, and whether their factors are the ones asked for."""
    opened = bench.open(bench.run("renderer"))
    dataset, model = opened.dataset, _renderer(opened.generative)
    first, second = _pairs_that_differ(dataset)
    bench.draw(
        "q2.b",
        figures.image_grid(
            np.stack(
                [
                    _images(dataset, first),
                    _images(dataset, second),
                    *(
                        _mixed(model, dataset, first, second, _mask(names, len(first)))
                        for names in SWAPS
                    ),
                ],
                axis=1,
            ),
            row_labels=["1 differs", *(f"{count} differ" for count in range(2, 6))],
            column_labels=["a", "b", *(f"{name}\nof b" for name in NAMES), "mix"],
        ),
        "Five pairs whose images differ in one to five factors. Left the two images a and b; then "
        "images drawn from the latents of a with the part of one factor from b; on the right the "
        "document's mix, shape, scale and posY from b, orientation and posX from a.",
    )
    generator = torch.Generator().manual_seed(0)
    rows = some_test_images(dataset, 2 * pairs, 0)
    first, second = rows.chunk(2)
    mask = torch.rand(len(first), len(NAMES), generator=generator) < 0.5
    mixed = _mixed(model, dataset, first, second, mask)
    places = [dataset.factor_names.index(name) for name in NAMES]
    wanted = dataset.values[first].clone()
    wanted[:, places] = torch.where(mask, dataset.values[second][:, places], wanted[:, places])
    judge = bench.open(bench.run("modular")).model
    assert isinstance(judge, ModularRenderer)
    known = some_test_images(dataset, 1000, 1)
    return {
        "pairs": len(first),
        **read_back(judge, dataset, known, torch.from_numpy(mixed), wanted),
    }


def feed_forward(model: PartitionedRenderer) -> PartitionedRenderer:
    """The same model, whose pictures are read by its encoder."""
    other = copy.copy(model)
    other.config = replace(model.config, posterior="feed-forward")
    return other


def _renderer(model: object) -> PartitionedRenderer:
    assert isinstance(model, PartitionedRenderer)
    return model


def _as_numbers(score: Score) -> dict[str, float]:
    return {"score": score.value, **{name: score.parts[name] for name in NAMES}}


def _factors(dataset: FactorDataset, images: int) -> np.ndarray:
    rows = some_test_images(dataset, images, 0)
    places = [dataset.factor_names.index(name) for name in NAMES]
    return dataset.factors_at(rows).numpy()[:, places]


def _every_part(model: PartitionedRenderer, dataset: FactorDataset, images: int) -> np.ndarray:
    """The accuracy of each factor (column) from each part (row)."""
    rows = some_test_images(dataset, images, 0)
    adapter = SSLatentVAE(model)
    codes = np.concatenate(
        [adapter.sample_z_given_x(_images(dataset, some)[:, 0]) for some in rows.split(512)]
    )
    parts, matrix = adapter.get_partition_indices(), np.zeros((len(NAMES), len(NAMES)))
    for shift in range(len(NAMES)):
        turned = [parts[(factor + shift) % len(NAMES)] for factor in range(len(NAMES))]
        score = METRICS["partition-score"](
            codes,
            dataset.factors_at(rows).numpy(),
            partitions=turned,
            factor_names=dataset.factor_names,
            repeats=1,
        )
        for factor, name in enumerate(NAMES):
            matrix[(factor + shift) % len(NAMES), factor] = score.parts[name]
    return matrix


def _pairs_that_differ(dataset: FactorDataset) -> tuple[Tensor, Tensor]:
    """Rows of test images in pairs that differ in one to five of the factors."""
    rows = dataset.splits["test"]
    factors = dataset.factors_at(rows)
    first, second = [], []
    for count in range(1, len(NAMES) + 1):
        for row in range(100 * count, len(rows)):
            differing = (factors != factors[row]).sum(dim=1)
            other = (differing == count).nonzero()[:, 0]
            if len(other):
                first.append(rows[row])
                second.append(rows[other[len(other) // 2]])
                break
    return torch.stack(first), torch.stack(second)


def _images(dataset: FactorDataset, rows: Int[Tensor, " row"]) -> np.ndarray:
    return dataset.images_at(rows).numpy()


def _mask(names: Sequence[str], count: int) -> Tensor:
    return torch.tensor([name in names for name in NAMES]).expand(count, -1)


def _mixed(
    model: PartitionedRenderer,
    dataset: FactorDataset,
    first: Int[Tensor, " row"],
    second: Int[Tensor, " row"],
    from_second: Tensor,
) -> np.ndarray:
    """Images from the latents of the first rows, with some parts from those of the second."""
    one, other = (model.encode(_images(dataset, rows)).mean for rows in (first, second))
    taken = np.repeat(from_second.numpy(), one.shape[1] // len(NAMES), axis=1)
    drawn: np.ndarray = model.decode(np.where(taken, other, one))
    return drawn
