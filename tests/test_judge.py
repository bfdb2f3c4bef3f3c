import math

import numpy as np
import pytest
import torch

from distaff.data import load
from distaff.errors import UsageError
from distaff.figures import confusion_matrix
from distaff.judge import judge, judge_model
from distaff.models import Classifier, ConditionalVAE, build


def pictures(*levels):
    """A picture of two pixels for each pair of levels."""
    return np.array(levels, dtype=np.float32).reshape(-1, 1, 1, 2)


REAL = pictures((0, 0), (1, 0), (0, 1), (1, 1)), np.array([0, 0, 1, 1])


def test_a_judgement_of_known_images():
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5], [0.0, 1.0], [1.0, 0.0]])
    images = pictures((0, 0), (1, 1), (0.5, 0.5), (0.5, 0.5))
    found = judge(probabilities, np.array([0, 0, 1, 1]), images, *REAL)
    assert found.accuracy == 0.75
    assert found.confusion.tolist() == [[1, 0], [0.5, 0.5]]
    ninety = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    assert found.entropy == pytest.approx((ninety + math.log(2)) / 4)
    # pixels of the first value are 0 and 1, with a variance of 1/4; those of the second the same
    assert found.variance.tolist() == [0.25, 0]
    assert found.real_variance.tolist() == [0.125, 0.125]
    assert found.diversity == pytest.approx(1)


def test_real_images_are_as_various_as_themselves_and_copies_are_not():
    sure = np.eye(2)[REAL[1]]
    assert judge(sure, REAL[1], *REAL[:1], *REAL).diversity == 1
    copies = REAL[0][[0, 0, 2, 2]]
    found = judge(sure, REAL[1], copies, *REAL)
    assert (found.accuracy, found.entropy, found.diversity) == (1, 0, 0)


def test_a_value_without_images_is_refused():
    with pytest.raises(UsageError, match=r"no image of the values \[1\]"):
        judge(np.eye(2)[[0, 0]], np.array([0, 0]), REAL[0][:2], *REAL)


@pytest.fixture
def dataset():
    return load("sprites", size=16, orientations=1, scales=2, positions_x=8, positions_y=8)


class Fake(Classifier):
    """Sees one value in every image."""

    def probabilities(self, images):
        return torch.eye(3)[torch.ones(len(images), dtype=torch.int64)]


def test_a_model_is_judged_on_as_many_images_of_each_value(dataset, small_nets):
    model = build(
        ConditionalVAE.Config(factor="shape", latents=3, **small_nets), dataset.spec, seed=0
    )
    fake = Fake(Classifier.Config(factor="shape", encoder=small_nets["encoder"]), dataset.spec)
    found = judge_model(model, fake, dataset, per_value=7)
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.confusion.tolist() == [[0, 1, 0]] * 3
    assert found.entropy == 0
    images = dataset.images_at(range(len(dataset))).numpy()
    values = dataset.factors[:, dataset.factor_names.index("shape")].numpy()
    expected = [images[values == value].var(axis=0).mean() for value in range(3)]
    assert found.real_variance == pytest.approx(expected)
    drawn = model.sample(7, context=model.context_of([2] * 7)).numpy()
    assert found.variance[2] == pytest.approx(drawn.var(axis=0).mean(), rel=1e-5)


def test_a_classifier_of_another_factor_is_refused(dataset, small_nets):
    model = build(ConditionalVAE.Config(factor="shape", **small_nets), dataset.spec, seed=0)
    other = Classifier.Config(factor="scale", encoder=small_nets["encoder"])
    with pytest.raises(UsageError, match=r"conditional on .*shape.* classifier knows .*scale"):
        judge_model(model, build(other, dataset.spec, seed=0), dataset)


def test_the_confusion_matrix_writes_every_share_and_what_the_sides_are():
    figure = confusion_matrix(np.array([[0.75, 0.25], [0.0, 1.0]]), names=["one", "two"])
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["0.75", "0.25", "0.00", "1.00"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("asked for", "seen")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]
