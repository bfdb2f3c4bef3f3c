"""What a step of the spatial broadcast decoder costs, against its plain form and deconvolutions.

Run with `python benchmarks/broadcast_decoder.py`; some minutes on two cores. A step is forward and
backward in float32 on two threads; 5 latents to 64 x 64 RGB, as in the re-implementation of the
paper. The variants take turns in one run; memory is measured in a process of its own for each.
"""

import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from distaff.nets import DeconvolutionDecoder, SpatialBroadcastDecoder
from distaff.training.device import tune_malloc

SHAPE, LATENTS, THREADS, BATCHES = (3, 64, 64), 5, 2, (16, 64)
ROUNDS, PEAK_SIDE = 9, 2048


class Plain(nn.Module):
    """The decoder as the paper writes it: tile, concatenate coordinates, convolve."""

    def __init__(self) -> None:
        super().__init__()
        x, y = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="xy")
        self.register_buffer("places", torch.stack([x, y])[None])
        layers: list[nn.Module] = [nn.Conv2d(LATENTS + 2, 64, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 3, 3, padding=1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, latents: Tensor) -> Tensor:
        """Returns [batch, channel, height, width] of [batch, latent]."""
        places = self.get_buffer("places").expand(len(latents), -1, -1, -1)
        tiled = latents[:, :, None, None].expand(-1, -1, 64, 64)
        images: Tensor = self.layers(torch.cat([tiled, places], dim=1))
        return images


def broadcast() -> nn.Module:
    """The decoder that is shipped, in the memory format of training."""
    net = SpatialBroadcastDecoder(SpatialBroadcastDecoder.Config(), LATENTS, SHAPE)
    return _channels_last(net)


def deconvolution() -> nn.Module:
    """The paper's baseline, in the memory format of training."""
    return _channels_last(DeconvolutionDecoder(DeconvolutionDecoder.Config(), LATENTS, SHAPE))


def _channels_last(net: nn.Module) -> nn.Module:
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net


VARIANTS: dict[str, Callable[[], nn.Module]] = {
    "plain": Plain,
    "plain, channels last": lambda: _channels_last(Plain()),
    "as shipped": broadcast,
    "deconvolution": deconvolution,
}


def step(net: nn.Module, latents: Tensor) -> None:
    """Forward and backward, with gradients of weights and latents."""
    net.zero_grad(set_to_none=True)
    latents.grad = None
    net(latents).square().mean().backward()


def matmul_peak() -> float:
    """Returns the most operations per second that a product of large matrices reaches here."""
    left, right = torch.rand(2, PEAK_SIDE, PEAK_SIDE)
    seconds = [_seconds(lambda: left @ right) for _ in range(ROUNDS)]
    return float(2 * PEAK_SIDE**3 / min(seconds))


def _seconds(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def print_speed(nets: dict[str, nn.Module], batch: int, peak: float) -> None:
    """Lets the variants take turns, and prints the median of each and its ratio to the first."""
    latents = torch.randn(batch, LATENTS).requires_grad_()
    seconds: dict[str, list[float]] = {name: [] for name in nets}
    for net in nets.values():
        step(net, latents)
    for _ in range(ROUNDS):
        for name, net in nets.items():
            seconds[name].append(_seconds(partial(step, net, latents)))
    base = next(iter(seconds.values()))
    for name, times in seconds.items():
        ratios = [first / own for first, own in zip(base, times, strict=True)]
        share = _operations(VARIANTS[name](), latents) / statistics.median(times) / peak
        print(
            f"{name:24} {batch:3} {batch / statistics.median(times):8.1f} images/s "
            f"{share:7.0%} of matmul peak   {statistics.median(ratios):5.2f} x plain "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


def _operations(net: nn.Module, latents: Tensor) -> float:
    with FlopCounterMode(display=False) as counter:
        step(net, latents)
    return float(counter.get_total_flops())


def peak_memory(name: str, batch: int) -> float:
    """Returns by how many MiB three steps raise the process's peak."""
    net, latents = VARIANTS[name](), torch.randn(batch, LATENTS).requires_grad_()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        step(net, latents)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def print_memory(batch: int) -> None:
    """Prints the peak of each variant, in a process of its own, and its ratio to the last."""
    peaks = {}
    for name in VARIANTS:
        command = [sys.executable, __file__, name, str(batch)]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks[name] = float(result.stdout)
    for name, peak in peaks.items():
        ratio = peak / peaks["deconvolution"]
        print(f"{name:24} {batch:3} {peak:8.0f} MiB   {ratio:5.2f} x deconvolution")


def main() -> None:
    """Prints memory, speed, and the speed of compiled nets."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    tune_malloc()
    if len(sys.argv) > 1:
        print(peak_memory(sys.argv[1], int(sys.argv[2])))
        return
    # first, since a process starts with the peak of the one that started it
    print("peak memory of steps, above that of the process before them")
    for batch in BATCHES:
        print_memory(batch)
    peak, nets = matmul_peak(), {name: make() for name, make in VARIANTS.items()}
    print(f"\nmatmul peak {peak / 1e9:.0f} Gflop/s on {THREADS} threads")
    for batch in BATCHES:
        print_speed(nets, batch, peak)
    if not shutil.which("g++"):
        print("\nno C++ compiler here: torch.compile was not tried")
        return
    print("\nwith torch.compile")
    for net in nets.values():
        net.compile(dynamic=False)
    for batch in BATCHES:
        print_speed(nets, batch, peak)


if __name__ == "__main__":
    main()
