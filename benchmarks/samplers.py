"""What each sampler costs against PyTorch's own `grid_sample`, and each way to read a picture.

Run with `python benchmarks/samplers.py`; a minute on one thread. Samplers read 64 pictures of
64 x 64 at as many points, forward and backward; all take turns in one run, and the median is kept.
"""

import statistics
import time
from collections.abc import Callable

import torch
from tabulate import tabulate
from torch import Tensor
from torch.nn import functional

from distaff.data import load
from distaff.models import ModularRenderer, PartitionedRenderer, build
from distaff.nets.samplers import (
    bilinear_sample,
    linearized_sample,
    mip_map_sample,
    smooth_sample,
)
from distaff.studies.dsprites.parts import feed_forward

PICTURES, SIDE, ROUNDS = 64, 64, 15
LABELS, READ = 1024, 256


def samplers() -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Each as a function of pictures and grid."""
    generator = torch.Generator().manual_seed(0)
    return {
        "grid_sample of PyTorch": lambda images, grid: functional.grid_sample(
            images, grid, align_corners=False
        ),
        "bilinear_sample": bilinear_sample,
        "smooth_sample, sigma 0.5": lambda images, grid: smooth_sample(images, grid, 0.5),
        "smooth_sample, sigma 16": lambda images, grid: smooth_sample(images, grid, 16.0),
        "mip_map_sample, level 1.5": lambda images, grid: mip_map_sample(images, grid, 1.5),
        "linearized_sample, 8 points": lambda images, grid: linearized_sample(
            images, grid, 0.1, generator
        ),
    }


def medians(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each call, which take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(each[1:]) for name, each in seconds.items()}


def main() -> None:
    """Prints both tables."""
    torch.set_num_threads(1)
    images = torch.rand(PICTURES, 1, SIDE, SIDE)
    grid = (1.8 * torch.rand(PICTURES, SIDE, SIDE, 2) - 0.9).requires_grad_()

    def both_ways(sample: Callable[[Tensor, Tensor], Tensor]) -> Callable[[], object]:
        return lambda: torch.autograd.grad(sample(images, grid).square().sum(), grid)

    found = medians({name: both_ways(sample) for name, sample in samplers().items()}, ROUNDS)
    own = found["grid_sample of PyTorch"]
    rows = [(name, PICTURES / time, time / own) for name, time in found.items()]
    print(
        tabulate(
            rows, headers=("sampler", "pictures a second", "times grid_sample"), floatfmt=".2f"
        )
    )
    dataset = load("dsprites", labelled=LABELS)
    pictures = dataset.images_at(dataset.splits["test"][:READ])
    renderer = build(PartitionedRenderer.Config(unlabelled=0), dataset.spec, seed=0)
    modular = build(ModularRenderer.Config(images=1024), dataset.spec, seed=0)
    assert isinstance(renderer, PartitionedRenderer)
    assert isinstance(modular, ModularRenderer)
    for model in (renderer, modular):
        model.begin(dataset.split("train"), seed=0)
    with torch.no_grad():
        reading = medians(
            {
                "partitioned-renderer, refined": lambda: renderer.posterior(pictures),
                "partitioned-renderer, encoder": lambda: feed_forward(renderer).posterior(pictures),
                "modular-renderer, refined": lambda: modular.posterior(pictures),
            },
            3,
        )
    read = [(name, READ / time) for name, time in reading.items()]
    print(tabulate(read, headers=("posterior", "pictures a second"), floatfmt=".0f"))


if __name__ == "__main__":
    main()
