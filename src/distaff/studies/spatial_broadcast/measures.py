"""What the pictures of document 004 show, as numbers, and what the paper claims beyond them."""

import numpy as np
import torch

from distaff.inference.encode import kl_of_latents, posterior_of
from distaff.measures.latent_geometry import HIGH, LOW, affine_r2, local_distortion, similarity_r2
from distaff.metrics import dci, mutual_information_gap
from distaff.models import GenerativeModel
from distaff.runs import OpenRun
from distaff.studies.spatial_broadcast.decoders import (
    DECODERS,
    VARIANCE,
    circles_of,
    codes_of_positions,
)
from distaff.studies.study import Results, StudyContext, over_seeds
from distaff.types import Images

ACTIVE = 0.1
"""Nats that a latent must carry on average to count as active."""
MEASURED = 3675
"""Images of which reconstruction, KL and the scores are measured: all of the document's set."""


def measures(bench: StudyContext) -> Results:
    """What the pictures show as numbers, for each decoder and seed."""
    values = {
        decoder: [_measured(bench.open(run)) for run in bench.runs(decoder)] for decoder in DECODERS
    }
    return {
        "seeds": values,
        "summary": {
            decoder: {name: over_seeds([each[name] for each in all_seeds]) for name in all_seeds[0]}
            for decoder, all_seeds in values.items()
        },
    }


def _measured(opened: OpenRun) -> dict[str, float]:
    model, dataset = opened.generative, opened.dataset.split("train")
    dataset = dataset.subset(torch.arange(len(dataset))[:MEASURED])
    posterior = posterior_of(model, dataset)
    kl = kl_of_latents(posterior)
    codes = posterior.mean.double().numpy()
    varying = [i for i, size in enumerate(dataset.factor_sizes) if size > 1]
    names = [dataset.factor_names[i] for i in varying]
    factors = dataset.factors[:, varying].long().numpy()
    separated = dci(codes, factors, factor_names=names)
    return _shape_of_map(opened) | {
        "mig": mutual_information_gap(codes, factors, factor_names=names).value,
        "disentanglement": separated.value,
        "reconstruction": _squared_error(model, dataset.images_at(range(len(dataset))))
        / (2 * VARIANCE),
        "kl": float(kl.sum()),
        "active": float((kl > ACTIVE).sum()),
    }


def _shape_of_map(opened: OpenRun) -> dict[str, float]:
    """Of the map from position to the two latents, on a grid of whole pixels."""
    config = circles_of(opened.run)
    room = config.size - 2 - config.shape_sizes[0]
    # a place is cut off to a pixel when it is drawn: from the middle of one nothing is lost
    pixels = np.arange(np.ceil(LOW * room), np.floor(HIGH * room)) + 0.5
    places = pixels / room
    mesh = np.stack(np.meshgrid(places, places, indexing="xy"), axis=-1)
    codes = codes_of_positions(opened, mesh.reshape(-1, 2))
    bent = local_distortion(mesh, codes.reshape(mesh.shape))
    return {
        "affine": affine_r2(mesh.reshape(-1, 2), codes),
        "similarity": similarity_r2(mesh.reshape(-1, 2), codes),
        "anisotropy": bent.anisotropy,
        "scale_variation": bent.scale_variation,
        "folded": bent.folded,
    }


def _squared_error(model: GenerativeModel, images: Images) -> float:
    """Mean over the images of the summed squared error of their reconstructions."""
    errors = [
        np.square(model.reconstruct(part.numpy()) - part.numpy()).sum(axis=(1, 2, 3))
        for part in images.split(256)
    ]
    return float(np.concatenate(errors).mean())


def beyond(bench: StudyContext) -> Results:
    """What the paper claims beyond the document: other data, one seed."""
    return {decoder: _beyond(bench, decoder) for decoder in DECODERS}


def _beyond(bench: StudyContext, decoder: str) -> Results:
    results: Results = {}
    for name in ("quadrant", "combinations"):
        opened = bench.open(bench.run(f"{decoder}-{name}"))
        model, dataset = opened.generative, opened.dataset
        for part, key in (("train", "seen"), ("held_out", "held_out")):
            images = dataset.split(part).images_at(range(len(dataset.splits[part])))
            results[f"{name}_{key}"] = _squared_error(model, images)
    small = bench.open(bench.run(f"{decoder}-small"))
    dataset = small.dataset.split("train")
    results["small"] = _squared_error(small.generative, dataset.images_at(range(len(dataset))))
    results["small_similarity"] = _shape_of_map(small)["similarity"]
    return results | {"dsprites": _on_dsprites(bench.open(bench.run(f"{decoder}-dsprites")))}


def _on_dsprites(opened: OpenRun) -> dict[str, float]:
    last = next(line for line in reversed(opened.run.log) if line["split"] == "validation")
    rows = opened.dataset.splits["test"][:4000]
    sample = opened.dataset.subset(rows)
    codes = opened.posteriors(rows).mean.double().numpy()
    gap = mutual_information_gap(codes, sample.factors.long().numpy())
    return {"reconstruction": last["reconstruction"], "kl": last["kl"], "mig": gap.value}
