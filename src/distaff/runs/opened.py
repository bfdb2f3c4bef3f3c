"""One opening of a run: what is loaded or encoded, is loaded or encoded once."""

from functools import cached_property

import torch
from torch import Tensor

from distaff.data import DatasetConfig, FactorDataset
from distaff.inference.encode import posterior_of
from distaff.models import GenerativeModel, Model
from distaff.probability.gaussian import DiagonalGaussian
from distaff.runs.codes import OnImages, keep_posteriors, kept_posteriors
from distaff.runs.run import Run
from distaff.training.device import choose_device

CHUNK = 4_096
"""Images between two reports of progress."""
Datasets = dict[DatasetConfig, FactorDataset]
"""The data set that was loaded last, for the next run on the same one."""


class OpenRun:
    """A run with its data set, its model and the codes of its images, each made when asked for.

    Verbs and studies hand one around; nothing in it is loaded twice. It keeps what it loaded
    for as long as it lives.
    """

    def __init__(self, run: Run, datasets: Datasets | None = None) -> None:
        """Opens nothing yet.

        Args:
            run: a finished run.
            datasets: shared between runs that are opened one after the other.
        """
        self.run = run
        self._datasets = {} if datasets is None else datasets

    @classmethod
    def of(cls, run: "Run | OpenRun") -> "OpenRun":
        """Returns the run opened, itself if it is so already."""
        return run if isinstance(run, OpenRun) else cls(run)

    @cached_property
    def dataset(self) -> FactorDataset:
        """The data set the run was trained on.

        Raises:
            RunError, UsageError: as in `Run.load_dataset`.
        """
        config = self.run.experiment.data
        if config in self._datasets and self.run.data_path is None:
            self.run.check_data(self._datasets[config])
        else:
            self._datasets.clear()
            self._datasets[config] = self.run.load_dataset()
        return self._datasets[config]

    @cached_property
    def model(self) -> Model:
        """The trained model, on the CPU.

        Raises:
            RunError: as in `Run.load_model`.
        """
        return self.run.load_model()

    @property
    def generative(self) -> GenerativeModel:
        """The trained model, whose images have codes.

        Raises:
            UsageError: it is a classifier.
            RunError: as in `Run.load_model`.
        """
        return self.run.check_generative(self.model)

    def posteriors(self, rows: Tensor) -> DiagonalGaussian:
        """Returns the posteriors of some images, float32 [image, latent], on the CPU.

        Args:
            rows: of the data set. Those that were asked for before are looked up, and all of them
                where the run's folder holds the codes of the whole set.

        Raises:
            RunError: the run is not finished, or what its folder holds is damaged.
        """
        posterior, known = self._codes
        # in the order asked for, each once
        missing = torch.tensor(list(dict.fromkeys(rows[~known[rows]].tolist())), dtype=torch.int64)
        if len(missing):
            found = posterior_of(self.generative, self.dataset.subset(missing))
            for whole, some in zip(posterior, found, strict=True):
                whole[missing] = some.float()
            known[missing] = True
        return DiagonalGaussian(posterior.mean[rows], posterior.log_std[rows])

    def all_posteriors(self, on_images: OnImages | None = None) -> DiagonalGaussian:
        """Returns the posterior of every image, and keeps it in the run's folder.

        Args:
            on_images: called with the progress; not where nothing is encoded.

        Returns:
            Mean and log standard deviation, float32 [image, latent], on the CPU.

        Raises:
            RunError: the run is not finished, its folder cannot be written to, or what it holds
                is damaged.
        """
        posterior, known = self._codes
        if not known.all():
            model, count = self.generative.to(choose_device("auto")), len(known)
            for rows in torch.arange(count).split(CHUNK):
                found = posterior_of(model, self.dataset.subset(rows))
                for whole, some in zip(posterior, found, strict=True):
                    whole[rows] = some.float()
                if on_images is not None:
                    on_images(int(rows[-1]) + 1, count)
            model.to("cpu")
            keep_posteriors(self.run, posterior)
            known[:] = True
        return posterior

    @cached_property
    def _codes(self) -> tuple[DiagonalGaussian, Tensor]:
        """The posterior of every image, and which of them are known; the others are 0."""
        shape = (len(self.dataset), self.generative.config.latents)
        kept = kept_posteriors(self.run, *shape)
        posterior = kept or DiagonalGaussian(torch.zeros(shape), torch.zeros(shape))
        return posterior, torch.full(shape[:1], kept is not None)
