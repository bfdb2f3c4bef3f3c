"""What each piece of cheap speed gives in a training step, and where its time goes.

Run with `python benchmarks/training_step.py`; about four minutes on two cores. The convolutional
beta-VAE on 64 x 64 dSprites, batches of 64; the variants take turns in processes of their own,
since the allocator's settings stay.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode
from turns import THREADS, serve, spread, take_turns

import distaff.training.trainer
from distaff.data import load
from distaff.models import BetaVAE, build
from distaff.nets import convolutional
from distaff.training import Training
from distaff.training.trainer import Trainer

STEPS, ROUNDS, PEAK_SIDE = 10, 15, 2048
VARIANTS = (
    "as shipped",
    "without keeping freed memory",
    "channels first",
    "ReLU into new memory",
    "PyTorch's transposed convolution",
    "bfloat16",
)
PARTS = {
    "convolutions": ("convolution", "col2im"),
    "ReLU": ("clamp_min", "threshold_backward"),
    "dense layers": ("aten::mm", "aten::addmm"),
    "Adam": ("_fused_adam_",),
}
"""Parts of a step, and what the names of their operations hold."""


def fit(variant: str) -> Trainer:
    """Starts the training of a variant."""
    if variant == "without keeping freed memory":
        setattr(distaff.training.trainer, "tune_malloc", lambda: None)  # noqa: B010
    if variant == "PyTorch's transposed convolution":
        plain = lambda inside, outside: nn.ConvTranspose2d(inside, outside, 4, 2, 1)  # noqa: E731
        setattr(convolutional, "UpConvolution", plain)  # noqa: B010
    data = load("dsprites")
    training = Training(steps=10**6, log_every=100, validate_every=10**6, device="cpu")
    if variant == "bfloat16":
        training = replace(training, precision="bfloat16")
    train = data.split("train")
    model = build(BetaVAE.Config(), train.spec, seed=0)
    trainer = Trainer(model, train, data.split("validation"), training, seed=0)
    if variant == "channels first":
        trainer.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    if variant == "ReLU into new memory":
        for layer in model.modules():
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
    return trainer


def advance(trainer: Trainer) -> None:
    """Takes the steps of a turn."""
    for _ in range(STEPS):
        trainer.step()


def print_variants() -> None:
    """Prints the speed of each variant and how it compares with what is shipped."""
    columns = take_turns([(__file__, variant) for variant in VARIANTS], rounds=ROUNDS)
    for variant, seconds in zip(VARIANTS, columns, strict=True):
        rates = [STEPS / each for each in seconds]
        ratios = [shipped / own for shipped, own in zip(columns[0], seconds, strict=True)]
        print(f"{variant:33} {spread(rates, '{:.1f}'):22} steps/s   {spread(ratios)} of as shipped")


def print_parts() -> None:
    """Prints the share of each part of a step, and what the convolutions reach."""
    trainer = fit("as shipped")
    with FlopCounterMode(display=False) as counter:
        trainer.step()
    operations = sum(
        count
        for operation, count in counter.get_flop_counts()["Global"].items()
        if "convolution" in str(operation)
    )
    advance(trainer)
    step = _seconds(lambda: advance(trainer)) / STEPS
    drawing = _seconds(lambda: trainer.batches.at(trainer.current_step))
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        advance(trainer)
    took = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    shares = {
        part: sum(time for key, time in took.items() if any(name in key for name in names))
        / sum(took.values())
        for part, names in PARTS.items()
    }
    shares["drawing the images"] = drawing / step
    shares["the rest"] = 1 - sum(shares.values())
    left, right = torch.rand(2, PEAK_SIDE, PEAK_SIDE)
    peak = 2 * PEAK_SIDE**3 / _seconds(lambda: left @ right, fastest=True)
    reached = operations / (step * shares["convolutions"]) / peak
    print(f"\na step of {1000 * step:.0f} ms")
    for part, share in shares.items():
        print(f"{part:33} {share:4.0%}")
    print(f"convolutions run at {reached:.0%} of the matmul peak of {peak / 1e9:.0f} Gflop/s")


def _seconds(run: Callable[[], object], *, fastest: bool = False) -> float:
    """Median seconds of a few runs, or the least."""
    times = []
    for _ in range(9):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times) if fastest else statistics.median(times)


def main() -> None:
    """Prints the variants, and the parts of a step."""
    torch.set_num_threads(THREADS)
    if len(sys.argv) > 1:
        trainer = fit(sys.argv[1])
        serve(lambda: advance(trainer))
        return
    print_variants()
    print_parts()


if __name__ == "__main__":
    main()
