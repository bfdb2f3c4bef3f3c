import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from linear_gaussian import SCALE, STD, linear_model

from distaff.data import FactorDataset, load
from distaff.errors import UsageError
from distaff.figures import confusion_matrix
from distaff.inference.conditional_samples import accuracy_of_images, conditional_accuracy
from distaff.models import Classifier, ConditionalVAE, build
from distaff.nets import DenseDecoder, DenseEncoder
from distaff.types import DataSpec


def pictures(*levels: Any) -> Any:
    """A picture of two pixels for each pair of levels."""
    return np.array(levels, dtype=np.float32).reshape(-1, 1, 1, 2)


REAL = (
    pictures((0, 0), (1, 0), (0, 0), (1, 0), (0, 1), (1, 1), (0, 1), (1, 1)),
    np.repeat([0, 1], 4),
)


def test_a_judgement_of_known_images() -> None:
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5], [0.0, 1.0], [1.0, 0.0]])
    images = pictures((0, 0), (1, 1), (0.5, 0.5), (0.5, 0.5))
    found = accuracy_of_images(probabilities, np.array([0, 0, 1, 1]), images, *REAL)
    assert found.accuracy == 0.75
    assert found.confusion.tolist() == [[1, 0], [0.5, 0.5]]
    ninety = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    assert found.entropy == pytest.approx((ninety + math.log(2)) / 4)
    # pixels of the first value are 0 and 1, with a sample variance of 1/2; of the second the same
    assert found.variance.tolist() == [0.5, 0]
    assert found.real_variance == pytest.approx([1 / 6, 1 / 6])
    # one of the real images' two pixels is constant: they have no covariance
    assert math.isnan(found.diversity)


def diversity(images: Any, real: Any) -> Any:
    """Of images of one value."""
    said = np.ones((len(images), 1))
    values = (np.zeros(len(rows), dtype=np.int64) for rows in (images, real))
    asked, real_values = values
    return accuracy_of_images(said, asked, images, real, real_values).diversity


def test_copies_have_no_diversity_and_twice_the_deviations_have_four_times_as_much() -> None:
    real = np.random.default_rng(0).normal(size=(2000, 1, 1, 1)) * np.ones((1, 1, 3, 3))
    assert diversity(real[[0, 0, 0]], real) == 0
    assert diversity(2 * real, real) == pytest.approx(4 * diversity(real, real))
    assert diversity(real, real) == pytest.approx(1, abs=0.1)


def test_diversity_is_the_ratio_of_plain_covariances() -> None:
    """From NumPy's covariance matrices, the real ones in closed form."""
    generator = np.random.default_rng(1)
    columns = generator.normal(size=(9, 2))
    real = (generator.normal(size=(40_000, 2)) @ columns.T).reshape(-1, 1, 3, 3)
    images = generator.normal(size=(7, 1, 3, 3))
    expected = columns @ columns.T * (1 - np.eye(9))
    shared = (np.cov(images.reshape(7, 9).T) * expected).sum()
    assert diversity(images, real) == pytest.approx(
        shared / np.square(expected).sum(), rel=0.03, abs=0.005
    )


MODEL = linear_model(skew=0.5)


def linear(count: Any, seed: int, *, scale: Any = 1.0, noise: Any = STD) -> Any:
    """Images of a linear model with Gaussian noise; its own real ones, unless told otherwise."""
    generator = np.random.default_rng(seed)
    weight = scale * MODEL.decoder[0].weight[:, :2].detach().numpy()
    mean = generator.normal(size=(count, 2)) @ weight.T
    return (mean + noise * generator.normal(size=mean.shape)).reshape(-1, 1, 4, 4)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 1),
        ({"noise": 0}, 1),
        ({"scale": 0.5}, 0.25),
        ({"scale": 0.5, "noise": 0}, 0.25),
        ({"scale": 0, "noise": 0.5 * SCALE}, 0),
    ],
)
def test_a_perfect_model_gets_1_without_bias_from_few_images(
    settings: Any, expected: float
) -> None:
    """Samples or mean images, five at a time; half the deviations of a mean are a quarter of its
    covariances, and noise has none."""
    real = linear(5000, 0)
    found = np.array([diversity(linear(5, seed, **settings), real) for seed in range(1, 201)])
    error = found.std() / len(found) ** 0.5
    assert error < 0.07
    assert found.mean() == pytest.approx(expected, abs=3 * error + 0.04)


def test_few_real_images_do_not_bias_the_two_sides_of_the_ratio() -> None:
    """Forty real images: the square of one estimate of their covariances would be too large."""
    found = np.array([diversity(linear(40, s), linear(40, 1000 + s)) for s in range(400)])
    assert np.median(found) == pytest.approx(1, abs=0.08)


def test_too_few_images_of_a_value_are_refused() -> None:
    with pytest.raises(UsageError, match=r"the values \[1\] have \[0\] images; give 2 or more"):
        accuracy_of_images(np.eye(2)[[0, 0]], np.array([0, 0]), REAL[0][:2], *REAL)
    with pytest.raises(UsageError, match=r"the values \[1\] have \[3\] real images; give 4"):
        accuracy_of_images(np.eye(2)[REAL[1]], REAL[1], REAL[0], REAL[0][:7], REAL[1][:7])


@pytest.fixture
def dataset() -> Any:
    return load("sprites", size=16, orientations=1, scales=2, positions_x=8, positions_y=8)


class Fake(Classifier):
    """Sees one value in every image."""

    def probabilities(self, images: Any) -> Any:
        return torch.eye(3)[torch.ones(len(images), dtype=torch.int64)]


def test_a_model_is_judged_on_as_many_images_of_each_value(
    dataset: FactorDataset, small_nets: dict[str, Any]
) -> None:
    model: Any = build(
        ConditionalVAE.Config(factor="shape", latents=3, **small_nets), dataset.spec, seed=0
    )
    fake = Fake(Classifier.Config(factor="shape", encoder=small_nets["encoder"]), dataset.spec)
    found = conditional_accuracy(model, fake, dataset, per_value=7)
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.confusion.tolist() == [[0, 1, 0]] * 3
    assert found.entropy == 0
    images = dataset.images_at(range(len(dataset))).numpy()
    values = dataset.factors[:, dataset.factor_names.index("shape")].numpy()
    expected = [images[values == value].var(axis=0, ddof=1).mean() for value in range(3)]
    assert found.real_variance == pytest.approx(expected)
    drawn = model.sample(7, context=model.context_of([2] * 7))
    assert found.variance[2] == pytest.approx(drawn.var(axis=0, ddof=1).mean(), rel=1e-5)


def binary_set(model: Any, path: Any, count: Any) -> Any:
    """Black and white images that a model draws itself: as real ones they make it perfect."""
    values = np.repeat(np.arange(model.context_size), count)
    means = model.sample(len(values), seed=5, context=model.context_of(values))
    noise = torch.rand(means.shape, generator=torch.Generator().manual_seed(6)).numpy()
    drawn = noise < means
    np.savez(path, images=255 * drawn[:, 0].astype("uint8"), factors=values[:, None])
    return load("arrays", path=str(path))


def test_a_model_that_drew_the_real_images_itself_has_the_diversity_1(tmp_path: Path) -> None:
    """Its mean images have a fraction of the variance of binary ones. With latents that do
    nothing it has the same variance of every pixel in its samples, and a diversity of 0."""
    nets: dict[str, Any] = {
        "decoder": DenseDecoder.Config(hidden=(32,)),
        "encoder": DenseEncoder.Config(),
    }
    config = ConditionalVAE.Config(latents=3, **nets)
    model: Any = build(config, DataSpec((1, 8, 8), (3,), 10, ("factor-0",)), seed=0)
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(3)
    real = binary_set(model, tmp_path / "set.npz", 1500)
    model.spec = real.spec
    fake = Fake(Classifier.Config(encoder=DenseEncoder.Config()), real.spec)
    found = conditional_accuracy(model, fake, real, per_value=1500)
    assert found.diversity == pytest.approx(1, abs=0.06)
    assert found.variance.mean() < 0.7 * found.real_variance.mean()
    with torch.no_grad():
        model.decoder[0].weight[:, :3] = 0
    assert conditional_accuracy(model, fake, real).diversity == pytest.approx(0, abs=1e-6)


def test_a_classifier_of_another_factor_is_refused(
    dataset: FactorDataset, small_nets: dict[str, Any]
) -> None:
    model: Any = build(ConditionalVAE.Config(factor="shape", **small_nets), dataset.spec, seed=0)
    other = Classifier.Config(factor="scale", encoder=small_nets["encoder"])
    with pytest.raises(UsageError, match=r"conditional on .*shape.* classifier knows .*scale"):
        conditional_accuracy(model, build(other, dataset.spec, seed=0), dataset)  # type: ignore[arg-type]


def test_the_confusion_matrix_writes_every_share_and_what_the_sides_are() -> None:
    figure = confusion_matrix(np.array([[0.75, 0.25], [0.0, 1.0]]), names=["one", "two"])
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["0.75", "0.25", "0.00", "1.00"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("asked for", "seen")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]
