"""A step in fixed memory, which CUDA replays as one piece instead of launching kernel by kernel."""

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

from distaff.types import Batch, Noise, Settings

Result = TypeVar("Result")
WARM_UPS = 3
"""Steps that run as usual before one is recorded: in them libraries choose kernels and memory."""


class CudaGraphStep(Generic[Result]):
    """A pure function of batch, noise and settings whose inputs always lie in the same memory.

    On CUDA the function is recorded once and then replayed, so that it must do the same work
    whatever the numbers are, and ask none of them on the way. Its result lies in fixed memory
    too: the next call overwrites it. On other devices the function runs as usual.

    Reference: PyTorch, "CUDA semantics", section "CUDA Graphs".
    """

    def __init__(self, function: Callable[[Batch, Noise, Settings], Result]) -> None:
        self._function = function
        self._inputs: tuple[Tensor, ...] = ()
        self._names: tuple[str, ...] = ()
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._result: Result

    def __call__(self, batch: Batch, noise: Noise, settings: Settings) -> Result:
        """Returns what the function does; arrays of other shapes than at the first call fail."""
        weights = torch.tensor(list(settings.values()), dtype=torch.float32)
        if not self._inputs:
            self._names = tuple(settings)
            weights = weights.to(noise.device)
            self._inputs = tuple(value.clone() for value in (*batch, noise, weights))
        for fixed, value in zip(self._inputs, (*batch, noise, weights), strict=True):
            fixed.copy_(value)
        if noise.device.type == "cuda":
            return self._replay()
        return self._run()

    def _run(self) -> Result:
        *batch, noise, weights = self._inputs
        return self._function(Batch(*batch), noise, dict(zip(self._names, weights, strict=True)))

    def _replay(self) -> Result:
        if self._calls < WARM_UPS:
            self._calls += 1
            return self._run_aside()
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._result = self._run()
        self._graph.replay()
        return self._result

    def _run_aside(self) -> Result:
        """Runs on another stream, as PyTorch asks of what is recorded later."""
        aside, here = torch.cuda.Stream(), torch.cuda.current_stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            result = self._run()
        here.wait_stream(aside)
        return result
