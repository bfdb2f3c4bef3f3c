"""What a training step costs, and what each piece of cheap speed gives, as ratios in one run.

Run with `python benchmarks/training_step.py`; about a minute on two cores.
"""

import subprocess
import sys
import time
from dataclasses import replace

import torch

import distaff.fit
from distaff.data import load
from distaff.fit import Fit
from distaff.models import BetaVAE, build
from distaff.training import Training

WARM, STEPS = 5, 25
VARIANTS = {
    "as shipped": "",
    "without keeping freed memory": "freed",
    "channels first": "nchw",
    "bfloat16": "bfloat16",
}


def steps_per_second(variant: str) -> float:
    """Trains the convolutional beta-VAE on 64 x 64 dSprites for a few steps."""
    if variant == "freed":
        setattr(distaff.fit, "keep_freed_memory", lambda: None)  # noqa: B010
    data = load("dsprites")
    training = Training(steps=10_000, log_every=10_000, validate_every=10_000, device="cpu")
    if variant == "bfloat16":
        training = replace(training, precision="bfloat16")
    train = data.part("train")
    model = build(BetaVAE.Config(), train.spec, seed=0)
    fitting = Fit(model, train, data.part("validation"), training, seed=0)
    if variant == "nchw":
        fitting.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    for _ in range(WARM):
        fitting.advance()
    begin = time.perf_counter()
    for _ in range(STEPS):
        fitting.advance()
    return STEPS / (time.perf_counter() - begin)


def main() -> None:
    """Runs each variant in a process of its own, since the allocator's settings stay."""
    if len(sys.argv) > 1:
        print(steps_per_second(sys.argv[1]))
        return
    base = 0.0
    for name, variant in VARIANTS.items():
        command = [sys.executable, __file__, variant or "shipped"]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        rate = float(result.stdout)
        base = base or rate
        print(f"{name:32} {rate:6.1f} steps/s  {rate / base:5.2f} of as shipped")


if __name__ == "__main__":
    main()
