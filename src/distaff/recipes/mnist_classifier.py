"""The classifier of handwritten digits that judges what conditional models draw."""

from distaff.data import Mnist
from distaff.experiment import Experiment
from distaff.models import Classifier
from distaff.training import Training

MNIST_CLASSIFIER = Experiment(
    name="mnist-classifier",
    data=Mnist.Config(),
    model=Classifier.Config(),
    training=Training(
        epochs=12,
        batch_size=128,
        learning_rate=2e-3,
        schedule="cosine",
        validate_every=390,
        validation_images=10_000,
    ),
    metrics=(),
    figures=("training-curves",),
)
"""The 50,000 training images, each moved by up to two pixels; some minutes on one CPU core."""
