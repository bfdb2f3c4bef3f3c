"""Document 004: does a decoder that knows where each pixel is order the latent space better?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, ClassVar

from typing_extensions import override

from distaff.data import Circles, DSprites
from distaff.experiment import Experiment
from distaff.likelihoods import Bernoulli, Gaussian
from distaff.models import VAE, BetaVAE
from distaff.nets import ConvolutionalEncoder
from distaff.studies.spatial_broadcast.decoders import DECODERS, VARIANCE
from distaff.studies.spatial_broadcast.figures import artefacts, curves, geometry, pictures
from distaff.studies.spatial_broadcast.measures import beyond, measures
from distaff.studies.study import Budget, Results, Study, StudyContext, for_smoke
from distaff.training.settings import Training

LATENTS = 5
SMALL_VARIANCE = 0.1
"""Of the decoders of small circles, which at 0.3 weigh so little that no latent is used."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a budget decides."""

    size: int
    """Height and width of the pictures in pixels; the circle is a quarter as wide."""
    small: int
    """Width of the small circle; at budget quick one of half the width is not found at all."""
    positions: int
    steps: int
    learning_rate: float
    seeds: tuple[int, ...]
    others: int
    """Steps of the experiments beyond the document."""
    dsprites: int
    """Steps of the beta-VAE on dSprites."""


SCALES: dict[Budget, Scale] = {
    "smoke": Scale(
        size=16,
        small=3,
        positions=8,
        steps=6,
        learning_rate=1e-3,
        seeds=(0, 1),
        others=6,
        dsprites=6,
    ),
    "quick": Scale(
        size=32,
        small=6,
        positions=21,
        steps=8000,
        learning_rate=3e-4,
        seeds=(0, 1, 2),
        others=1500,
        dsprites=300,
    ),
    # 150 epochs of 3,675 images in batches of 16, as in the document
    "full": Scale(
        size=64,
        small=8,
        positions=35,
        steps=34_500,
        learning_rate=3e-4,
        seeds=(0, 1, 2, 3, 4),
        others=34_500,
        dsprites=100_000,
    ),
}


QUICK_SECONDS = {
    "deconvolution": 294,
    "deconvolution-quadrant": 19,
    "deconvolution-combinations": 18,
    "deconvolution-small": 18,
    "deconvolution-dsprites": 14,
    "spatial-broadcast": 735,
    "spatial-broadcast-quadrant": 46,
    "spatial-broadcast-combinations": 47,
    "spatial-broadcast-small": 53,
    "spatial-broadcast-dsprites": 42,
    "measures": 16,
    "beyond": 19,
}


def _times_at_full(step: str) -> float:
    """How much longer a training takes at full: more steps, four times the pixels, more seeds."""
    quick, full = SCALES["quick"], SCALES["full"]
    if step in DECODERS:
        return 4 * full.steps / quick.steps * len(full.seeds) / len(quick.seeds)
    if step.endswith("dsprites"):
        return full.dsprites / quick.dsprites
    return 4 * full.others / quick.others


class SpatialBroadcast(Study):
    """The spatial broadcast decoder against deconvolution, measured over seeds.

    Reference: "Spatial Broadcast Decoder", a re-implementation of Watters, Matthey, Burgess,
    Lerchner 2019, arXiv:1901.07017.
    """

    name = "spatial-broadcast"
    title = "The spatial broadcast decoder against deconvolution"
    # of steps timed on two quiet cores
    estimates: ClassVar[Mapping[Budget, Mapping[str, float]]] = {
        "quick": QUICK_SECONDS,
        "full": {step: _times_at_full(step) * QUICK_SECONDS[step] for step in QUICK_SECONDS},
    }

    @property
    def scale(self) -> Scale:
        """The settings of the budget."""
        return SCALES[self.budget]

    @cached_property
    @override
    def experiments(self) -> Mapping[str, Experiment]:
        scale = self.scale
        sets: dict[str, dict[str, Any]] = {
            "quadrant": {"held_out": "quadrant"},
            "combinations": {"held_out": "combinations"},
            "small": {"shape_sizes": (scale.small,)},
        }
        made = {}
        for decoder in DECODERS:
            made[decoder] = self._on_circles(decoder, scale.steps, scale.seeds)
            for name, settings in sets.items():
                made[f"{decoder}-{name}"] = self._on_circles(
                    decoder,
                    scale.others,
                    scale.seeds[:1],
                    variance=SMALL_VARIANCE if name == "small" else VARIANCE,
                    **settings,
                )
            made[f"{decoder}-dsprites"] = self._on_dsprites(decoder)
        return made

    def _on_circles(
        self,
        decoder: str,
        steps: int,
        seeds: tuple[int, ...],
        *,
        variance: float = VARIANCE,
        **settings: Any,
    ) -> Experiment:
        scale = self.scale
        circles: dict[str, Any] = {
            "size": scale.size,
            "positions": scale.positions,
            "shape_sizes": (scale.size // 4,),
        }
        return Experiment(
            name=f"spatial-broadcast-{decoder}",
            data=Circles.Config(**circles | settings),
            model=VAE.Config(
                latents=LATENTS,
                encoder=ConvolutionalEncoder.Config(widths=(64, 64, 64, 64), hidden=(256,)),
                decoder=DECODERS[decoder],
                likelihood=Gaussian.Config(std=sqrt(variance)),
            ),
            training=self._training(steps),
            seeds=seeds,
        )

    def _training(self, steps: int, looks: int = 10) -> Training:
        training = Training(
            steps=steps,
            batch_size=16,
            learning_rate=self.scale.learning_rate,
            log_every=max(1, steps // 60),
            validate_every=max(1, steps // looks),
        )
        return for_smoke(training) if self.budget == "smoke" else training

    def _on_dsprites(self, decoder: str) -> Experiment:
        return Experiment(
            name=f"spatial-broadcast-{decoder}",
            data=DSprites.Config(),
            model=BetaVAE.Config(
                beta=4.0,
                latents=10,
                encoder=ConvolutionalEncoder.Config(widths=(32, 32, 64, 64), hidden=(256,)),
                decoder=DECODERS[decoder],
                likelihood=Bernoulli.Config(),
            ),
            training=self._training(self.scale.dsprites, looks=2),
            seeds=self.scale.seeds[:1],
        )

    @property
    @override
    def tasks(self) -> Mapping[str, Callable[[StudyContext], Results]]:
        return {
            "curves": curves,
            "pictures": pictures,
            "geometry": geometry,
            "measures": measures,
            "beyond": beyond,
            "artefacts": artefacts,
        }
