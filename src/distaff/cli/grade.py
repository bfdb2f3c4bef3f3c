"""The verb grade."""

from pathlib import Path
from typing import Annotated

import tyro

from distaff.cli.output import print_json


def grade(
    file: Annotated[Path, tyro.conf.Positional],
    *,
    images: int = 4096,
    split: str = "test",
    seed: int = 0,
    ids: str = "",
    json: bool = False,
) -> None:
    """Grade a run, or a file with a class SSLatentVAE, as the assignment CS 699 does, from 0 to 50.

    The run is of a model with parts of latents, such as partitioned-vae.

    A file is run, so give one that you trust. Its class has the methods load(),
    sample_z_given_x(x), which gives a sample of the latents of images [batch, 64, 64], and
    get_partition_indices(), which gives for shape, scale, orientation, posX and posY the first
    latent and the one after the last. Of each part a logistic regression learns its factor, from
    half of the images, and is scored on the others. At most 49.707 can be expected: some pictures
    have several orientations.

    Examples: distaff grade starter.py --images 4096
              distaff grade runs/dsprites-renderer

    Args:
        file: The Python file, or the folder of a run.
        images: How many images of dSprites.
        split: Of these images.
        seed: Of the choice of images, and of the sample.
        ids: The assignment's ids.npz, if it is at hand.
        json: Print JSON.
    """
    from distaff.cli.printing import print_scores
    from distaff.cli.progress import ImageProgress
    from distaff.data import load
    from distaff.evaluate import to_json
    from distaff.grade import SSLatentVAE, from_file
    from distaff.grade import grade as grade_model
    from distaff.runs import load as load_run

    model = SSLatentVAE(load_run(file)) if file.is_dir() else from_file(file)
    dataset = load("dsprites", ids=ids)
    with ImageProgress("encoded", "images") as progress:
        progress.start(str(file))
        score = grade_model(
            model, dataset, split=split, images=images, seed=seed, on_images=progress.advance
        )
    if json:
        print_json(to_json(score))
    else:
        print_scores(str(file), {"partition-score": score})
