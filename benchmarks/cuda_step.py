"""Images a second of a training step on CUDA, launched kernel by kernel and replayed.

Run with `python benchmarks/cuda_step.py`; a minute on a CUDA device, and one line without. The
convolutional beta-VAE on 64 x 64 dSprites through the library's own loop, images held as bits on
the device; the variants take turns.
"""

import statistics
import time
from itertools import product
from typing import Literal

import torch
from turns import spread

from distaff.data import load
from distaff.models import BetaVAE, build
from distaff.training import Training
from distaff.training.trainer import Trainer

Precision = Literal["float32", "tf32", "bfloat16"]
BATCHES: tuple[int, ...] = (64, 256, 1024)
PRECISIONS: tuple[Precision, ...] = ("float32", "tf32", "bfloat16")
STEPS, ROUNDS, IMAGES = 100, 9, 65_536


def fit(batch: int, precision: Precision, *, replayed: bool) -> Trainer:
    """Starts a training and takes its first steps, in which the replayed one is recorded."""
    data = load("dsprites")
    train = data.split("train").subset(torch.arange(IMAGES))
    training = Training(
        steps=10**6,
        batch_size=batch,
        precision=precision,
        cuda_graph=replayed,
        device="cuda",
        validate_every=10**6,
    )
    model = build(BetaVAE.Config(), train.spec, seed=0)
    trainer = Trainer(model, train, data.split("validation"), training, seed=0)
    for _ in range(10):
        trainer.step()
    return trainer


def seconds_of_a_turn(trainer: Trainer) -> float:
    """Returns what the steps of a turn take, to the end of their work on the device."""
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(STEPS):
        trainer.step()
    torch.cuda.synchronize()
    return time.perf_counter() - begin


def main() -> None:
    """Prints each batch size and precision, launched and replayed."""
    if not torch.cuda.is_available():
        print("no CUDA device here")
        return
    print(torch.cuda.get_device_name())
    for batch, precision in product(BATCHES, PRECISIONS):
        pair = [fit(batch, precision, replayed=replayed) for replayed in (False, True)]
        times: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            for trainer, seconds in zip(pair, times, strict=True):
                seconds.append(seconds_of_a_turn(trainer))
        launched, replayed = (batch * STEPS / statistics.median(each) for each in times)
        gain = spread([a / b for a, b in zip(*times, strict=True)])
        print(
            f"batch {batch:5} {precision:9} {launched:9,.0f} images/s launched {replayed:9,.0f} "
            f"replayed   {gain} times as many"
        )


if __name__ == "__main__":
    main()
