"""Seconds of training until images are explained as well as pythae explains them in the end.

Run with `python benchmarks/time_to_quality.py` (extra `bench`); about ten minutes on two cores.
Both learn from the same 20,480 dSprites images with the same nets, batches of 64, beta 1 and two
threads: pythae for ten epochs with the settings its trainer has by default, distaff with settings
that a recipe could carry, until its bound on 2,048 held-out images is that of pythae. The bound
takes one sample of the latents of an image, from the same noise for both; taking it is not timed.
"""

import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch
from peers import BATCH, LATENTS, pythae_model
from torch import Tensor
from torch.nn import functional
from turns import THREADS

from distaff.data import FactorDataset, load
from distaff.models import BetaVAE, build
from distaff.probability.gaussian import DiagonalGaussian
from distaff.training import Training
from distaff.training.trainer import Trainer

IMAGES, HELD_OUT, EPOCHS = 20_480, 2_048, 10
PEER_SEEDS, SEEDS = (0,), (0, 1, 2)
STEPS_BETWEEN_LOOKS = 20
# rates of 0.001 and 0.003 take as many steps to get there
TRAINING = Training(
    steps=1_200, batch_size=BATCH, learning_rate=2e-3, schedule="cosine", device="cpu"
)


def images(part: str, count: int) -> FactorDataset:
    """Returns the first images of a part; its order is random."""
    return load("dsprites").split(part).subset(torch.arange(count))


@torch.no_grad()
def negative_bound(
    encode: Callable[[Tensor], DiagonalGaussian],
    logits: Callable[[Tensor], Tensor],
    held_out: Tensor,
) -> float:
    """Returns the negative evidence lower bound in nats per image, the same noise at each call."""
    noise = torch.randn(len(held_out), LATENTS, generator=torch.Generator().manual_seed(0))
    total = 0.0
    for pictures, epsilon in zip(held_out.split(256), noise.split(256), strict=True):
        posterior = encode(pictures)
        outputs = logits(posterior.sample(epsilon))
        bce = functional.binary_cross_entropy_with_logits(outputs, pictures, reduction="sum")
        total += (bce + posterior.kl_to_standard_normal().sum()).item()
    return total / len(held_out)


def train_pythae(seed: int) -> dict[str, float]:
    """Returns the seconds that ten epochs take, and the negative bound in the end."""
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    data, held_out = images("train", IMAGES), images("validation", HELD_OUT)
    pictures = data.images_at(range(IMAGES))
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        config = BaseTrainerConfig(output_dir=folder, num_epochs=EPOCHS, seed=seed)
        trainer = BaseTrainer(
            pythae_model(beta=1.0),
            BaseDataset(pictures, torch.zeros(IMAGES)),
            training_config=config,
        )
        begin = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - begin
    model: Any = trainer.model.eval()

    def encode(given: Tensor) -> DiagonalGaussian:
        posterior = model.encoder(given)
        return DiagonalGaussian(posterior.embedding, posterior.log_covariance / 2)

    bound = negative_bound(encode, model.decoder.net, held_out.images_at(range(HELD_OUT)))
    return {"seconds": seconds, "steps": EPOCHS * -(-IMAGES // BATCH), "bound": bound}


def train_distaff(seed: int, target: float) -> dict[str, float]:
    """Returns the seconds and steps until the negative bound is at the target, or all of them."""
    data, held_out = images("train", IMAGES), images("validation", HELD_OUT)
    model = build(BetaVAE.Config(latents=LATENTS, beta=1.0), data.spec, seed=seed)
    assert isinstance(model, BetaVAE)
    trainer = Trainer(model, data, held_out, TRAINING, seed=seed)
    pictures = held_out.images_at(range(HELD_OUT))
    seconds, bound = 0.0, math.inf
    while bound > target and trainer.current_step < trainer.steps - STEPS_BETWEEN_LOOKS:
        begin = time.perf_counter()
        for _ in range(STEPS_BETWEEN_LOOKS):
            trainer.step()
        seconds += time.perf_counter() - begin
        model.eval()
        bound = negative_bound(model.encode, model.decoder, pictures)
    return {"seconds": seconds, "steps": trainer.current_step, "bound": bound}


def in_a_process(*words: str) -> dict[str, float]:
    """Returns what a training in a process of its own says."""
    command = [sys.executable, __file__, *words]
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def print_runs(name: str, runs: list[dict[str, float]]) -> float:
    """Prints each run; returns the median of their seconds."""
    for run in runs:
        print(
            f"{name:14} {run['seconds']:6.0f} s  {run['steps']:5.0f} steps  "
            f"negative bound {run['bound']:6.2f} nats per image"
        )
    return statistics.median(run["seconds"] for run in runs)


def main() -> None:
    """Trains the peer, then distaff to the peer's quality."""
    torch.set_num_threads(THREADS)
    if len(sys.argv) > 1:
        words = sys.argv[2:]
        trainings = {"pythae": train_pythae, "distaff": train_distaff}
        result = trainings[sys.argv[1]](int(words[0]), *map(float, words[1:]))  # type: ignore[operator]
        print(json.dumps(result))
        return
    peers = [in_a_process("pythae", str(seed)) for seed in PEER_SEEDS]
    theirs = print_runs("pythae 0.1.2", peers)
    target = statistics.median(run["bound"] for run in peers)
    ours = print_runs(
        "distaff", [in_a_process("distaff", str(seed), str(target)) for seed in SEEDS]
    )
    print(f"\ndistaff takes {ours / theirs:.2f} of the time (medians)")


if __name__ == "__main__":
    main()
