"""What a metric says; nothing here needs torch."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, NotRequired, TypeAlias, TypedDict

import numpy as np
from jaxtyping import Float

from distaff.arrays import Array

Active: TypeAlias = Sequence[bool] | Array
"""For each latent, True or False: whether a score takes it into account."""


class Origin(NamedTuple):
    """Which codes a score was measured on."""

    parameters: str | None = None
    """Stamp of the parameters of the model that made them; None of codes that no run made."""
    codes: str | None = None
    """What of the posterior they are: mean or sample."""
    kl: tuple[float, ...] | None = None
    """Mean KL of each latent to its prior, in nats."""
    left_out: tuple[int, ...] = ()
    """Latents that the score takes no account of."""
    images: int | None = None
    """How many images were asked for; None where that is not known."""
    seed: int | None = None
    """Of the choice of images and of the score."""

    @property
    def settings(self) -> str:
        """What a number is only compared with if it is the same: images, seed, kind of codes."""
        known = {"images": self.images, "seed": self.seed, "codes": self.codes}
        return ", ".join(f"{name} {value}" for name, value in known.items() if value is not None)

    def __str__(self) -> str:
        """In words, what a reader of the score must know; nothing of means of all latents."""
        kl = ["" if self.kl is None else f" ({self.kl[i]:.3f} nats)" for i in self.left_out]
        latents = ", ".join(f"z{i}{nats}" for i, nats in zip(self.left_out, kl, strict=True))
        words = ["codes are samples of the posterior"] * (self.codes == "sample")
        return "; ".join(words + [f"left out: {latents}"] * bool(latents))


class Score(NamedTuple):
    """What a metric says of a code, with what is needed to believe it."""

    value: float
    """The score; higher is better."""
    interval: tuple[float, float] | None
    """95 % confidence interval of the value over the choice of evaluation images."""
    chance: float
    """The same estimator on shuffled factors."""
    ceiling: float
    """The same estimator when the codes are the factors themselves."""
    estimator: str
    """Name of the estimator and its settings."""
    parts: Mapping[str, float] = MappingProxyType({})
    """Contributions, for example one for each factor."""
    relation: Float[np.ndarray, "latent factor"] | None = None
    """The matrix the score was read from."""
    origin: Origin = Origin()
    """Which codes it was measured on."""
    options: Mapping[str, Any] = MappingProxyType({})
    """Options it was measured with that are not its defaults."""


class OriginContent(TypedDict):
    """An origin as it stands in scores.json."""

    parameters: str | None
    codes: str | None
    kl: list[float] | None
    left_out: list[int]
    images: NotRequired[int | None]
    seed: NotRequired[int | None]


class ScoreContent(TypedDict):
    """A score as it stands in scores.json, which knows neither tuples nor arrays."""

    value: float | None
    """None where it is not finite, here and below."""
    interval: list[float | None] | None
    chance: float | None
    ceiling: float | None
    estimator: str
    parts: dict[str, float | None]
    relation: list[list[float | None]] | None
    origin: NotRequired[OriginContent]
    """Scores from before there were stamps have none."""
    options: NotRequired[dict[str, Any]]
    """Scores from before there were options have none."""


def score_from_json(content: ScoreContent) -> Score:
    """Returns the score that stands in a file.

    Raises:
        ValueError: the rows of its matrix differ in length, or it leaves out latents that the
            codes do not have.
    """
    interval, relation = content["interval"], content["relation"]
    if interval is not None and len(interval) != 2:
        raise ValueError(f"an interval has {len(interval)} ends")
    table = None if relation is None else np.array(relation, dtype=np.float64)
    if table is not None and table.ndim != 2:
        raise ValueError(f"a relation has the shape {table.shape}")
    return Score(
        value=_number(content["value"]),
        interval=(_number(interval[0]), _number(interval[1])) if interval else None,
        chance=_number(content["chance"]),
        ceiling=_number(content["ceiling"]),
        estimator=content["estimator"],
        parts={name: _number(part) for name, part in content["parts"].items()},
        relation=table,
        origin=_origin(content["origin"]) if "origin" in content else Origin(),
        options=content.get("options", {}),
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _origin(content: OriginContent) -> Origin:
    kl, left_out = content["kl"], content["left_out"]
    latents = math.inf if kl is None else len(kl)
    if not all(0 <= latent < latents for latent in left_out):
        raise ValueError(f"left_out is {left_out}, of {latents} latents")
    return Origin(
        content["parameters"],
        content["codes"],
        None if kl is None else tuple(kl),
        tuple(left_out),
        content.get("images"),
        content.get("seed"),
    )
