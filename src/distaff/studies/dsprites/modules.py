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


def modules(bench: StudyContext, images: int) -> Results:
    """Templates, reconstructions, what is recovered of unseen images, and other models beside."""
    opened = {name: bench.open(bench.run(name)) for name in SETS}
    recovered, templates = {}, []
    for name, run in opened.items():
        model = _modular(run)
        rows = some_test_images(run.dataset, images, 0)
        recovered[name] = {
            "shapes": model.shapes,
            **sprite_recovery(model, run.dataset, rows),
        }
        present = model.code.edges.diff() > 0
        templates.append(model.memory.templates[present].detach().numpy())
    most = max(map(len, templates))
    bench.draw(
        "task3-templates",
        figures.image_grid(
            np.stack(
                [
                    np.pad(some, [(0, most - len(some)), (0, 0), (0, 0)], constant_values=1)
                    for some in templates
                ]
            )[:, :, None],
            row_labels=["dSprites", "five others"],
        ),
        "The templates in the memory, learnt from pictures alone: 200 x 200 cells, finer than any "
        "of the pictures of 64 x 64 pixels.",
    )
    shown = np.concatenate(
        [
            run.dataset.images_at(some_test_images(run.dataset, SHOWN // 2, 1)).numpy()
            for run in opened.values()
        ]
    )
    again = np.concatenate(
        [
            _modular(run).reconstruct(half)
            for run, half in zip(opened.values(), np.split(shown, 2), strict=True)
        ]
    )
    bench.draw(
        "task3",
        figures.reconstructions(shown, again),
        "Unseen pictures of dSprites, and from the middle on of the five other shapes, above what "
        "is drawn from the five numbers that the network reads in them.",
    )
    beside = {
        name: {
            "parameters": run.run.environment["parameters"],
            "seconds": run.run.environment["seconds"],
            **disentanglement(run, images),
        }
        for name in ("beta-vae", "partitioned", "renderer", "modular")
        for run in [bench.open(bench.run(name))]
    }
    return {"recovered": recovered, "beside": beside, "images": images}


def _modular(opened: OpenRun) -> ModularRenderer:
    model = opened.model
    assert isinstance(model, ModularRenderer)
    return model
