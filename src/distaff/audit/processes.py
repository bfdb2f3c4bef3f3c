"""Work shared by processes, one thread each."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from joblib import Parallel, delayed, parallel_config

Result = TypeVar("Result")


def in_processes(
    function: Callable[..., Result], jobs: Sequence[tuple[Any, ...]], processes: int
) -> Iterator[Result]:
    """Yields the result of each job in their order, as soon as it and all before it are done.

    Args:
        function: called with the arguments of each job; of a module, so that processes find it.
        jobs: the arguments of each call.
        processes: how many; 1 for this one alone, -1 for one a core.
    """
    if processes == 1:
        yield from (function(*job) for job in jobs)
        return
    with parallel_config("loky", n_jobs=processes, inner_max_num_threads=1):
        yield from Parallel(return_as="generator", batch_size=1)(
            delayed(function)(*job) for job in jobs
        )
