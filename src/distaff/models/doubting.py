"""Models that know which pictures they cannot read."""

import warnings
from abc import abstractmethod

import torch
from jaxtyping import Int
from torch import Tensor

from distaff.errors import RunWarning
from distaff.models.generative import GenerativeModel
from distaff.models.inputs import takes_pictures
from distaff.models.pictures import Pictures
from distaff.nets.renderer.doubt import DOUBTS
from distaff.probability.gaussian import DiagonalGaussian
from distaff.types import Context, Images


class Doubting(GenerativeModel):
    """A generative model of sprites that says which pictures it should not be trusted on."""

    @abstractmethod
    def posterior_and_doubts(self, images: Images) -> tuple[DiagonalGaussian, Int[Tensor, " row"]]:
        """Returns the latents of images, and of each why not to trust them, as in `doubts`.

        Args:
            images: [batch, channel, height, width] in [0, 1], as `prepare` returns them.
        """

    def doubts(self, pictures: Pictures) -> Int[Tensor, " batch"]:
        """Returns why not to trust what is read from each picture, as an index of `DOUBTS`.

        Args:
            pictures: as `prepare` takes them.

        Returns:
            0 for no doubt, 1 empty, 2 cut by the border, 3 unlike every template.

        Raises:
            UsageError, DataError: as in `prepare`.
        """
        with torch.no_grad():
            return self.posterior_and_doubts(self.prepare(pictures))[1]

    @takes_pictures
    def encode(self, images: Images, context: Context | None = None) -> DiagonalGaussian:
        """Returns the latents of pictures; arguments as in `GenerativeModel.encode`.

        Warns:
            RunWarning: some pictures are empty, cut by the border or unlike every template, and
                their latents mean nothing; `doubts` says which.
        """
        self.check_context(context, len(images))
        posterior, doubt = self.posterior_and_doubts(images)
        counts = doubt.bincount(minlength=len(DOUBTS))[1:].tolist()
        said = [f"{n} {reason}" for n, reason in zip(counts, DOUBTS[1:], strict=True) if n]
        if said:
            warnings.warn(
                f"of {len(doubt)} pictures {', '.join(said)}; what is read from them means "
                f"nothing, and model.doubts(pictures) says which they are.",
                RunWarning,
                stacklevel=3,
            )
        return posterior
