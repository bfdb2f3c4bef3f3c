"""How well the modular network reads pictures, when what they show is known."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from distaff.data import FactorDataset
from distaff.models import ModularRenderer
from distaff.models.modular_renderer import Sprites
from distaff.types import Images

FACTORS = ("shape", "scale", "orientation", "posX", "posY")
"""Of the sets that this can judge: `dsprites` and `sprites`."""
CHUNK = 1024


def sprite_recovery(
    model: ModularRenderer, dataset: FactorDataset, rows: Int[Tensor, " row"]
) -> dict[str, float]:
    """Returns how often shape, place, scale and turn of pictures are found.

    What no picture shows is settled in the model's favour, once for each template: which shape it
    is called (the most frequent one of its pictures), its zero turn (the mean difference), turns
    under which it looks the same, and the unit of its scale, of which the largest one is 1.

    Args:
        model: trained on pictures alone.
        dataset: `dsprites` or `sprites`.
        rows: of pictures that the model was not trained on.

    Returns:
        `purity`, the share of pictures whose template is called their shape; `places within half a
        pixel`, x and y both; `median error of places in pixels`, of x; `scales within half a step`,
        0.05 where scales go from 0.5 to 1 in steps of 0.1; `mean error of turns in degrees` and
        `99 % of errors of turns in degrees`; `median share of wrong pixels` of the sprite's area,
        in the picture drawn again; `doubted`, the share of pictures that the model doubts.
    """
    found = _read(model, dataset.images_at(rows))
    values = dataset.values[rows]
    shape, scale, turn, x, y = (values[:, dataset.factor_names.index(name)] for name in FACTORS)
    side = dataset.image_shape[1]
    away = torch.stack([found.x - side / 4 - side / 2 * x, found.y - side / 4 - side / 2 * y]).abs()
    own_scale = found.frame.size / model.code.size_high[found.slot]
    named, errors = torch.zeros(len(rows), dtype=torch.bool), torch.empty(len(rows))
    for slot in found.slot.unique():
        own = found.slot == slot
        named[own] = shape[own] == shape[own].mode().values
        order = float(model.code.order[slot])
        turns = found.frame.turn[own], turn[own].float()
        errors[own] = _apart(*turns, order, _shared_turn(*turns, order))
    return {
        "purity": _mean(named),
        "places within half a pixel": _mean(away.amax(dim=0) < 0.5),
        "median error of places in pixels": float(away[0].median()),
        "scales within half a step": _mean((own_scale - scale).abs() < 0.05),
        "mean error of turns in degrees": math.degrees(float(errors.mean())),
        "99 % of errors of turns in degrees": math.degrees(float(errors.quantile(0.99))),
        "median share of wrong pixels": float(_wrong_pixels(model, dataset, rows, found).median()),
        "doubted": _mean(found.doubt > 0),
    }


def read_back(
    model: ModularRenderer,
    dataset: FactorDataset,
    known: Int[Tensor, " row"],
    images: Images,
    values: Float[Tensor, "batch factor"],
) -> dict[str, float]:
    """Returns how many of the values that images should have are read in them.

    The reader is a network that learnt shapes from pictures alone, so that it has nothing in common
    with the model that drew the images but the data.

    Args:
        model: the reader.
        dataset: `dsprites` or `sprites`.
        known: rows of real images, by which the reader's shapes, turns and scales get their names.
        images: to be read; they are taken as black and white.
        values: what each should show, in the units and order of the data set's factors.

    Returns:
        The shares of images with the right `shape`, with `scale` within half a step, with `x` and
        `y` within half a pixel, and the `mean error of turns in degrees` modulo symmetry.
    """
    real, drawn = _read(model, dataset.images_at(known)), _read(model, (images > 0.5).float())
    columns = [dataset.factor_names.index(name) for name in FACTORS]
    shape, scale, turn, x, y = values[:, columns].T
    true_shape, _, true_turn, _, _ = dataset.values[known][:, columns].T
    side = dataset.image_shape[1]
    right, errors = torch.zeros(len(images), dtype=torch.bool), torch.full((len(images),), math.pi)
    for slot in drawn.slot.unique():
        own, named = drawn.slot == slot, real.slot == slot
        if not bool(named.any()):
            continue
        right[own] = shape[own] == true_shape[named].mode().values
        order = float(model.code.order[slot])
        shared = _shared_turn(real.frame.turn[named], true_turn[named].float(), order)
        errors[own] = _apart(drawn.frame.turn[own], turn[own].float(), order, shared)
    sizes = drawn.frame.size / model.code.size_high[drawn.slot]
    return {
        "shape": _mean(right),
        "scale": _mean((sizes - scale).abs() < 0.05),
        "x": _mean((drawn.x - side / 4 - side / 2 * x).abs() < 0.5),
        "y": _mean((drawn.y - side / 4 - side / 2 * y).abs() < 0.5),
        "mean error of turns in degrees": math.degrees(float(errors[right].mean())),
    }


def _mean(marks: Tensor) -> float:
    return float(marks.float().mean())


def _read(model: ModularRenderer, images: Images) -> Sprites:
    parts = [model.sprites(some) for some in images.split(CHUNK)]
    frames = [part.frame for part in parts]
    joined = {
        name: torch.cat([getattr(part, name) for part in parts])
        for name in Sprites._fields
        if name != "frame"
    }
    frame = type(frames[0])(*(torch.cat(numbers) for numbers in zip(*frames, strict=True)))
    return Sprites(frame=frame, **joined)


def _shared_turn(
    found: Float[Tensor, " row"], true: Float[Tensor, " row"], order: float
) -> Float[Tensor, ""]:
    """The turn, times the symmetry, by which all are apart."""
    apart = (found - true) * order
    return torch.atan2(apart.sin().mean(), apart.cos().mean())


def _apart(
    found: Float[Tensor, " row"],
    true: Float[Tensor, " row"],
    order: float,
    shared: Float[Tensor, ""],
) -> Float[Tensor, " row"]:
    """Absolute errors in radians, modulo the symmetry, but for the turn that all share."""
    apart = (found - true) * order - shared
    return torch.atan2(apart.sin(), apart.cos()).abs() / order


def _wrong_pixels(
    model: ModularRenderer, dataset: FactorDataset, rows: Tensor, found: Sprites
) -> Float[Tensor, " row"]:
    shares = []
    for some in torch.arange(len(rows)).split(CHUNK):
        images = dataset.images_at(rows[some])
        with torch.no_grad():
            again = model.decode(model.code.latents(found.slot[some], found.frame.at(some)))
        wrong = ((again > 0.5) != (images > 0.5)).flatten(1).sum(dim=1)
        shares.append(wrong / images.flatten(1).sum(dim=1).clamp(min=1))
    return torch.cat(shares)
