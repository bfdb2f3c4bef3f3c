"""How much faster dSprites images are drawn together than one after the other.

Run with `python benchmarks/dsprites_drawing.py`; both ways fill the same outlines in one run, on
one core, since matplotlib uses no more.
"""

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from matplotlib.path import Path
from torch import Tensor

from distaff.data.drawing.shapes import HALF_SIDE, OUTLINES, draw_shapes

COUNT, BATCH, ONE_BY_ONE, ROUNDS = 40_960, 2048, 500, 3
CENTRES = np.stack(np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5), -1).reshape(-1, 2)


def grid_factors(count: int) -> tuple[Tensor, ...]:
    """Shape, scale, orientation, x and y drawn from the values of dSprites."""
    generator = torch.Generator().manual_seed(0)
    grids = [
        torch.linspace(start, end, steps, dtype=torch.float64)
        for start, end, steps in ((0.5, 1, 6), (0, 2 * math.pi, 40), (0, 1, 32), (0, 1, 32))
    ]
    shape = torch.randint(3, (count,), generator=generator)
    return shape, *(grid[torch.randint(len(grid), (count,), generator=generator)] for grid in grids)


def draw_in_batches(factors: tuple[Tensor, ...]) -> list[Tensor]:
    """All images with `draw_shapes`."""
    batches = zip(*(part.split(BATCH) for part in factors), strict=True)
    return [draw_shapes(*batch) for batch in batches]


def draw_one_by_one(factors: tuple[Tensor, ...]) -> list[Tensor]:
    """All images with matplotlib, each by asking for every pixel whether it is inside."""
    images = []
    for shape, scale, orientation, x, y in zip(*map(Tensor.tolist, factors), strict=True):
        cos, sin = math.cos(orientation), math.sin(orientation)
        corners = OUTLINES[shape].numpy() @ np.array([[cos, -sin], [sin, cos]])
        corners = 64 * (HALF_SIDE * scale * corners + [0.25 + 0.5 * x, 0.25 + 0.5 * y])
        inside = Path(np.round(256 * corners) / 256).contains_points(CENTRES)
        images.append(torch.from_numpy(inside.reshape(1, 64, 64)))
    return images


def images_per_second(
    draw: Callable[[tuple[Tensor, ...]], list[Tensor]], factors: tuple[Tensor, ...]
) -> float:
    """The best of some rounds, the first of which also warms up."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        draw(factors)
        seconds.append(time.perf_counter() - start)
    return len(factors[0]) / min(seconds)


def main() -> None:
    """Print images per second of both ways, their ratio and their disagreement."""
    torch.set_num_threads(1)
    factors = grid_factors(COUNT)
    few = tuple(part[:ONE_BY_ONE] for part in factors)
    wrong = sum(
        int((one != many).sum())
        for one, many in zip(draw_one_by_one(few), draw_in_batches(few)[0].split(1), strict=True)
    )
    batched = images_per_second(draw_in_batches, factors)
    single = images_per_second(draw_one_by_one, few)
    print(f"draw_shapes, batches of {BATCH}: {batched:12,.0f} images/s")
    print(f"matplotlib, one by one:       {single:12,.0f} images/s")
    print(f"ratio {batched / single:,.0f}; pixels that differ in {ONE_BY_ONE} images: {wrong}")


if __name__ == "__main__":
    main()
