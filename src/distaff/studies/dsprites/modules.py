"""Task 3: what a network of modules learns from pictures alone."""

import numpy as np

from distaff import figures
from distaff.inference.recovery import sprite_recovery
from distaff.models import ModularRenderer
from distaff.runs import OpenRun
from distaff.runs.codes import some_test_images
from distaff.studies.dsprites.unsupervised import disentanglement
from distaff.studies.study import Results, StudyContext

SHOWN = 24
SETS = ("modular", "unseen")
COMPARED = ("beta-vae", "partitioned", "renderer", "modular")


def modules(bench: StudyContext, images: int) -> Results:
    """Templates, reconstructions, what is recovered of unseen images, and other models beside."""
    opened = [bench.open(bench.run(name)) for name in SETS]
    _draw_templates(bench, opened)
    _draw_reconstructions(bench, opened)
    recovered = {
        name: {
            "shapes": _modular(run).shapes,
            **sprite_recovery(_modular(run), run.dataset, some_test_images(run.dataset, images, 0)),
        }
        for name, run in zip(SETS, opened, strict=True)
    }
    beside = {
        name: {
            "parameters": run.run.environment["parameters"],
            "seconds": run.run.environment["seconds"],
            **disentanglement(run, images),
        }
        for name in COMPARED
        for run in [bench.open(bench.run(name))]
    }
    return {"recovered": recovered, "beside": beside, "images": images}


def _draw_templates(bench: StudyContext, opened: list[OpenRun]) -> None:
    memories = []
    for run in opened:
        model = _modular(run)
        memories.append(model.memory.templates[model.code.edges.diff() > 0].detach().numpy())
    most = max(map(len, memories))
    filled = [
        np.pad(some, [(0, most - len(some)), (0, 0), (0, 0)], constant_values=1)
        for some in memories
    ]
    bench.draw(
        "task3-templates",
        figures.image_grid(np.stack(filled)[:, :, None], row_labels=["dSprites", "five others"]),
        "The templates in the memory, learnt from pictures alone: 200 x 200 cells, finer than any "
        "of the pictures of 64 x 64 pixels.",
    )


def _draw_reconstructions(bench: StudyContext, opened: list[OpenRun]) -> None:
    shown = [
        run.dataset.images_at(some_test_images(run.dataset, SHOWN // 2, 1)).numpy()
        for run in opened
    ]
    again = [_modular(run).reconstruct(some) for run, some in zip(opened, shown, strict=True)]
    bench.draw(
        "task3",
        figures.reconstructions(np.concatenate(shown), np.concatenate(again)),
        "Unseen pictures of dSprites, and from the middle on of the five other shapes, above what "
        "is drawn from the five numbers that the network reads in them.",
    )


def _modular(opened: OpenRun) -> ModularRenderer:
    model = opened.model
    assert isinstance(model, ModularRenderer)
    return model
